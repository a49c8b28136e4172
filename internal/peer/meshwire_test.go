package peer

import (
	"encoding/hex"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

// What the original sent in a run.
func TestMeshPacketsAreTheOriginals(t *testing.T) {
	t.Parallel()
	one, two := "2051bf06e60311f1a80402fc00000001", "21b8a094e60311f1bda802fc00000001"
	id := func(s string) MeshTLV {
		b, err := hex.DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		return MeshTLV{MeshUUID, b}
	}
	at := netip.MustParseAddrPort("127.0.0.1:42639")
	for _, row := range []struct {
		hex    string
		values []MeshTLV
	}{
		{"01 030307 fbf5", []MeshTLV{MeshUint(MeshSequence, 1, 7)}},
		{"01 03040007 f3fc", []MeshTLV{MeshUint(MeshSequence, 2, 7)}},
		{
			"01 020302 030600000000 0412" + one + " 080a6b0228e733cf2c00 76d2",
			[]MeshTLV{MeshUint(MeshClientVer, 1, 2), MeshUint(MeshSequence, 4, 0), id(one), MeshUint(MeshMyTS, 8, 0x6b0228e733cf2c00)},
		},
		{
			"01 010302 030600000003 0412" + two + " 080a6b0228e709e46000 42087f000001a7a3 40087f000001a68f 43087f000001a68f 410301 fb3e",
			[]MeshTLV{
				MeshUint(MeshServerVer, 1, 2), MeshUint(MeshSequence, 4, 3), id(two), MeshUint(MeshMyTS, 8, 0x6b0228e709e46000),
				MeshAddr(MeshYourAddr, netip.MustParseAddrPort("127.0.0.1:42915")), MeshAddr(MeshListExt, at), MeshAddr(MeshListInt, at), MeshUint(MeshClientLen, 1, 1),
			},
		},
	} {
		want, err := hex.DecodeString(strings.ReplaceAll(row.hex, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		if got := MeshPacket(row.values...); !slices.Equal(got, want) {
			t.Errorf("%x, want %x", got, want)
		}
		values, err := ParseMesh(want)
		if err != nil || len(values) != len(row.values) {
			t.Errorf("%s: %v, %v", row.hex, values, err)
		}
	}
	for _, bad := range [][]byte{{1}, {1, 0, 0}, MeshSum([]byte{1, 200, 2}), MeshSum([]byte{1, 3, 5, 0, 0, 0}), MeshSum([]byte{1, 35, 3, 'x'})} {
		if v, err := ParseMesh(bad); err == nil {
			t.Errorf("%x is %v", bad, v)
		}
	}
}
