package bridge

import (
	"testing"
	"time"

	"gateway/bridge/media"
)

// TestAClockThatIsSetBendsNoDuration: the times of day in a record are what the
// clock said; how long things took is not.
func TestAClockThatIsSetBendsNoDuration(t *testing.T) {
	t.Parallel()
	r := newRecord("gw1", "x", Invite{})
	r.Start = r.Start.Add(time.Hour) // it is set back after that
	r.answered()
	r.Answer = r.Answer.Add(time.Hour)
	r.close(Normal, "caller")
	if r.Setup < 0 || r.Setup > 60 || r.Talk < 0 || r.Talk > 60 {
		t.Errorf("set up in %v s, %v s of talk", r.Setup, r.Talk)
	}
}

// TestTheRecordSaysHowSoundCrossed: what was agreed on is how it could have.
func TestTheRecordSaysHowSoundCrossed(t *testing.T) {
	t.Parallel()
	stats := func(c media.Crossing, packets uint64) media.Stats {
		return media.Stats{In: media.Flow{Packets: packets}, Crossing: c}
	}
	for _, row := range []struct {
		name   string
		agreed mediaMode
		legs   []media.Stats
		want   mediaMode
	}{
		{"as agreed", mediaUntouched, []media.Stats{stats(media.CrossUntouched, 5), stats(media.CrossUntouched, 5)}, mediaUntouched},
		{"one sends what has to be converted", mediaUntouched, []media.Stats{stats(media.CrossTranscoded, 5), stats(media.CrossRepacked, 5)}, mediaTranscoded},
		{"frames", mediaUntouched, []media.Stats{stats(media.CrossRepacked, 5), stats(media.CrossRepacked, 5)}, mediaRepacked},
		{"nothing came of that", mediaRepacked, []media.Stats{stats(media.CrossTranscoded, 0), stats(media.CrossRepacked, 5)}, mediaRepacked},
		{"not known", mediaTranscoded, []media.Stats{{}, {}}, mediaTranscoded},
		{"early only", "", []media.Stats{stats(media.CrossUntouched, 5)}, ""},
	} {
		r := newRecord("gw1", "x", Invite{})
		r.Media = string(row.agreed)
		for _, s := range row.legs {
			leg := newLegRecord("in", Party{}, Address{})
			leg.note(MediaLost{Stream: "0", Stats: s})
			r.Legs = append(r.Legs, leg)
		}
		r.close(Normal, "caller")
		if r.Media != string(row.want) {
			t.Errorf("%s: %q, want %q", row.name, r.Media, row.want)
		}
	}
}
