package wire

import "bytes"

// ReadRegister reads a message to AddressRegister: a user and a group, with their
// passwords as they are. What follows does not matter.
func ReadRegister(m Message) (user, group Login, ok bool) {
	c := m.Arguments()
	for _, to := range []*[]byte{&user.Name, &user.Hash, &group.Name, &group.Hash} {
		if tag, ok := c.Next(); !ok || tag != 's' {
			return user, group, false
		}
		*to = c.Value
	}
	return user, group, true
}

// Private reads a message to AddressPrivate, "user address arguments", and gives
// the packet that goes to that user: the same with the sender in the user's
// place.
func Private(m Message, sender string) (to, packet []byte, ok bool) {
	c := m.Arguments()
	if tag, ok := c.Next(); !ok || tag != 's' {
		return nil, nil, false
	}
	to = c.Value
	rest := c.data
	if tag, ok := c.Next(); !ok || tag != 's' || !bytes.HasPrefix(c.Value, []byte("/")) {
		return nil, nil, false
	}
	packet = appendString(nil, AddressPrivate)
	packet = appendTags(packet, string(m.Tags), 0)
	packet = appendString(packet, sender)
	return to, append(packet, rest...), true
}
