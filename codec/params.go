package codec

import (
	"strconv"
	"strings"
)

// forming are the parameters that change the form of packets, or what it takes
// to decode them: two formats that differ in one of them are different. What
// is not said has the value here. Parameters that are a wish of the one who
// hears (bit rates, silence, modes that the packet itself names) are in none.
var forming = map[string]map[string]string{
	"amr":           {"octet-align": "0", "crc": "0", "robust-sorting": "0", "interleaving": ""}, // RFC 4867 section 8
	"amr-wb":        {"octet-align": "0", "crc": "0", "robust-sorting": "0", "interleaving": ""},
	"ilbc":          {"mode": "30"},  // RFC 3952 section 5
	"g7221":         {"bitrate": ""}, // RFC 5577 section 4
	"evs":           {"hf-only": "0"},
	"h264":          {"packetization-mode": "0"}, // RFC 6184 section 8.1
	"h265":          {"profile-id": "1", "tx-mode": "SRST", "sprop-max-don-diff": "0"},
	"vp9":           {"profile-id": "0"}, // RFC 9628 section 6
	"av1":           {"profile": "0"},
	"mp4a-latm":     {"cpresent": "1", "config": "", "object": ""}, // RFC 6416 section 7.3
	"mpeg4-generic": {"mode": "", "config": "", "sizelength": "0", "indexlength": "0", "indexdeltalength": "0"},
}

// compatible reports whether the parameters of two formats of one name let
// packets of one be taken for the other.
func (f Format) compatible(g Format) bool {
	if f.Params == g.Params {
		return true
	}
	name := strings.ToLower(f.Name)
	for key, missing := range forming[name] {
		if !strings.EqualFold(f.param(key, missing), g.param(key, missing)) {
			return false
		}
	}
	return name != "h264" || f.h264Profile() == g.h264Profile()
}

// param is the value of one of the parameters of f, or missing.
func (f Format) param(key, missing string) string {
	for part := range strings.SplitSeq(f.Params, ";") {
		k, v, _ := strings.Cut(strings.TrimSpace(part), "=")
		if strings.EqualFold(strings.TrimSpace(k), key) {
			return strings.TrimSpace(v)
		}
	}
	return missing
}

// h264Profile says which decoders a H.264 stream is for, without its level:
// profile-level-id is the bytes profile_idc, profile-iop and level_idc (RFC 6184
// section 8.1). The ways to say Constrained Baseline (its table 5) are one, and
// Baseline is taken for it: nobody uses the rest of that.
func (f Format) h264Profile() string {
	const baseline = "42"
	id := f.param("profile-level-id", "420010")
	v, err := strconv.ParseUint(id, 16, 24)
	if err != nil || len(id) != 6 {
		return strings.ToLower(id)
	}
	profile, iop := v>>16, v>>8&0xff
	switch {
	case profile == 0x42,
		profile == 0x4d && iop&0x80 != 0,
		profile == 0x58 && iop&0xc0 == 0xc0:
		return baseline
	default:
		return strconv.FormatUint(profile, 16)
	}
}

// IsBound reports whether f is worth something only together with payload type
// numbers or headers as its sender wrote them: redundancy, error correction and
// retransmission (RFC 2198, 4588, 5109, 8627). It can't cross to a side that
// numbers its formats itself.
func (f Format) IsBound() bool {
	for _, name := range [...]string{"red", "rtx", "ulpfec", "flexfec", "flexfec-03", "parityfec"} {
		if len(f.Name) == len(name) && strings.EqualFold(f.Name, name) {
			return true
		}
	}
	return false
}
