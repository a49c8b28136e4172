package convert

import (
	"testing"

	"gateway/bridge/media"
	"gateway/codec"
)

func TestTheCheapestWayIsChosen(t *testing.T) {
	t.Parallel()
	const none, untouched, repacked, transcoded = media.CrossNone, media.CrossUntouched, media.CrossRepacked, media.CrossTranscoded
	type want struct {
		mode media.Crossing
		out  uint8
	}
	red := codec.Format{Kind: codec.Audio, Name: "red", Rate: 8000, Channels: 1}
	video := codec.Format{Kind: codec.Video, Name: "h264", Rate: 90000}
	for _, row := range []struct {
		name    string
		in, out []media.Payload
		repacks bool
		want    []want
	}{
		{"the same", list(payload(pcmu, 0)), list(payload(pcmu, 96)), false, []want{{untouched, 96}}},
		{"the same, in frames", list(payload(pcmu, 0)), list(payload(pcmu, 96)), true, []want{{repacked, 96}}},
		{"nothing shared", list(payload(pcmu, 0)), list(payload(opus, 96)), false, []want{{transcoded, 96}}},
		{"nothing shared, in frames", list(payload(pcmu, 0)), list(payload(opus, 96)), true, []want{{transcoded, 96}}},
		{"something shared", list(payload(opus, 1), payload(pcmu, 0)), list(payload(pcmu, 2)), false, []want{{transcoded, 2}, {untouched, 2}}},
		{"something shared, in frames", list(payload(opus, 1), payload(pcmu, 0)), list(payload(pcmu, 2)), true, []want{{transcoded, 2}, {repacked, 2}}},
		{"the peer's first", list(payload(opus, 1)), list(payload(g722, 9), payload(pcmu, 0)), false, []want{{transcoded, 9}}},
		{"narrow to narrow", list(payload(pcmu, 0)), list(payload(opus, 96), payload(pcma, 8)), false, []want{{transcoded, 8}}},
		{"what nobody decodes", list(payload(other, 1)), list(payload(pcmu, 0)), false, []want{{none, 0}}},
		{"what nobody encodes", list(payload(pcmu, 0)), list(payload(other, 1)), false, []want{{none, 0}}},
		{"what nobody knows passes", list(payload(other, 1)), list(payload(other, 2)), true, []want{{repacked, 2}}},
		{"keys and noise alone", list(payload(keys, 101), payload(noise, 13)), list(payload(keys, 101), payload(noise, 13)), true, []want{{none, 0}, {none, 0}}},
		{"noise beside a sound of its clock", list(payload(pcmu, 0), payload(noise, 13)), list(payload(pcma, 8), payload(noise, 14)), false,
			[]want{{transcoded, 8}, {repacked, 14}}},
		{"noise beside a sound of another", list(payload(pcmu, 0), payload(noise, 13)), list(payload(opus, 96), payload(noise, 14)), false,
			[]want{{transcoded, 96}, {none, 0}}},
		{"redundancy is bound", list(payload(red, 99)), list(payload(red, 99)), false, []want{{none, 0}}},
		{"pictures", list(payload(video, 99)), list(payload(pcmu, 0)), false, []want{{none, 0}}},
		{"nothing", nil, list(payload(pcmu, 0)), true, nil},
		{"to nothing", list(payload(pcmu, 0)), nil, true, []want{{none, 0}}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			got := Choose(row.in, row.out, row.repacks)
			if len(got) != len(row.want) {
				t.Fatal(got)
			}
			for i, w := range got {
				if w.In != row.in[i] || w.Mode != row.want[i].mode || w.Mode != none && w.Out.Type != row.want[i].out {
					t.Errorf("%v is %v to %v, want %v", w.In, w.Mode, w.Out, row.want[i])
				}
			}
		})
	}
}

func TestCrossesIsTheBestOfAll(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		from, to []codec.Format
		want     media.Crossing
	}{
		{[]codec.Format{pcmu}, []codec.Format{opus, pcmu}, media.CrossUntouched},
		{[]codec.Format{pcmu}, []codec.Format{opus, keys}, media.CrossTranscoded},
		{[]codec.Format{keys}, []codec.Format{keys}, media.CrossNone},
		{[]codec.Format{other}, []codec.Format{pcmu}, media.CrossNone},
	} {
		if got := Crosses(row.from, row.to); got != row.want {
			t.Errorf("%v to %v: %v, want %v", row.from, row.to, got, row.want)
		}
	}
}
