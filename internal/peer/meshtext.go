package peer

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// Texts stand in values of type CC: 'T', kind, number of the message, part and parts,
// and at most 240 bytes.
const (
	meshText       = 'T'
	meshSaid       = 1
	meshReceipt    = 2
	meshTextHead   = 8
	meshTextRepeat = 500 * time.Millisecond
)

// text takes texts, which it gives a receipt for, and receipts.
func (c *MeshClient) text(from netip.AddrPort, seq *uint32, values []MeshTLV) {
	for _, v := range values {
		b := v.Value
		if v.Type != MeshCC || len(b) < meshTextHead || b[0] != meshText {
			continue
		}
		message, body := meshNumber(b[2:]), string(b[meshTextHead:])
		switch {
		case b[1] == meshReceipt:
			c.receipts[message] = body
		case b[1] == meshSaid && b[7] == 1:
			c.texts = append(c.texts, meshSaidBy(values, body))
			c.send(from, append(c.head(*seq), MeshTLV{MeshCC, append([]byte{meshText, meshReceipt}, b[2:meshTextHead]...)})...)
			*seq++
		}
	}
}

// meshSaidBy is a text with what META says of it.
func meshSaidBy(values []MeshTLV, body string) MeshText {
	t := MeshText{Text: body}
	if v, ok := meshFind(values, MeshMeta); ok {
		var meta struct{ From, To string }
		if json.Unmarshal(v.Value, &meta) == nil {
			t.From, t.To = meta.From, meta.To
		}
	}
	return t
}

// Say sends a text to somebody behind the server, and repeats it until there is a
// receipt, whose words it gives.
func (c *MeshClient) Say(ctx context.Context, to string, number uint32, text string) (string, error) {
	said := binary.BigEndian.AppendUint32([]byte{meshText, meshSaid}, number)
	said = append(append(said, 0, 1), text...)
	meta, err := json.Marshal(map[string]string{"peer": c.cfg.Name, "to": to})
	if err != nil {
		return "", fmt.Errorf("mesh: %w", err)
	}
	var sent time.Time
	var word string
	err = Poll(ctx, func(context.Context) bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		var ok bool
		if word, ok = c.receipts[number]; ok {
			return true
		}
		if time.Since(sent) > meshTextRepeat {
			sent = time.Now()
			c.send(c.cfg.Server, append(c.head(c.seq), MeshTLV{MeshMeta, meta}, MeshTLV{MeshCC, said})...)
			c.seq++
		}
		return false
	})
	if err != nil {
		return "", fmt.Errorf("mesh: no receipt for %q: %w", text, err)
	}
	return word, nil
}

// WaitText waits for a text with these words in it.
func (c *MeshClient) WaitText(ctx context.Context, words string) (found MeshText, err error) {
	err = Poll(ctx, func(context.Context) bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, t := range c.texts {
			if strings.Contains(t.Text, words) {
				found = t
				return true
			}
		}
		return false
	})
	if err != nil {
		return found, fmt.Errorf("mesh: wait for %q: %w", words, err)
	}
	return found, nil
}
