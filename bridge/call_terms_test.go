package bridge

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"gateway/codec"
)

func TestTermsThatCantBe(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name  string
		terms Terms
		want  []string // keys
	}{
		{"nothing said", Terms{}, nil},
		{"all good", Terms{Ring: time.Second, Codecs: []string{"opus", "G722", "speex/16000"}, Media: "relay", Caps: Caps{1, 2, 3}}, nil},
		{"rings too short", Terms{Ring: time.Millisecond}, []string{"ring"}},
		{"rings too long", Terms{Ring: 2 * time.Hour}, []string{"ring"}},
		{"names of formats", Terms{Codecs: []string{"", "a b", "pcmu/", "x/1", strings.Repeat("x", 40)}},
			[]string{"codecs[0]", "codecs[1]", "codecs[2]", "codecs[3]", "codecs[4]"}},
		{"a format twice", Terms{Codecs: []string{"opus", "OPUS"}}, []string{"codecs[1]"}},
		{"what is always there", Terms{Codecs: []string{"CN", "telephone-event"}}, []string{"codecs[0]", "codecs[1]"}},
		{"too many formats", Terms{Codecs: strings.Split("a b c d e f g h i j k l m n o p q r s t u v w x y z 1 2 3 4 5 6 7", " ")}, []string{"codecs"}},
		{"media past us", Terms{Media: "direct"}, []string{"media"}},
		{"media anyhow", Terms{Media: "any"}, []string{"media"}},
		{"caps", Terms{Caps: Caps{-1, -1, 100_001}}, []string{"caps.calls", "caps.minutes_per_day", "caps.per_hour"}},
	} {
		var got []string
		for _, p := range row.terms.problems() {
			got = append(got, p.Key)
		}
		if !slices.Equal(got, row.want) {
			t.Errorf("%s: %q, want %q", row.name, got, row.want)
		}
	}
}

// TestFewStreamsCross: each that is live takes ports of ours on both sides.
func TestFewStreamsCross(t *testing.T) {
	t.Parallel()
	audio := func(id string, names ...string) Stream { return sound(id, SendReceive, names...)[0] }
	video := Stream{ID: "v", Kind: codec.Video, Formats: []codec.Format{{Kind: codec.Video, Name: "vp8", Rate: 90000}}}
	var many Description
	for i := range 32 {
		many = append(many, audio(fmt.Sprint(i), "pcmu"))
	}
	for _, row := range []struct {
		name string
		d    Description
		want []string // that stay live
	}{
		{"one", Description{audio("a", "pcmu")}, []string{"a"}},
		{"the same encrypted and plain", Description{audio("a", "pcmu"), audio("b", "pcmu")}, []string{"a", "b"}},
		{"the first of many", many, []string{"0", "1"}},
		{"the first that are live", Description{audio("a"), video, audio("b", "pcma"), audio("c", "pcmu"), audio("d", "telephone-event"),
			audio("e", "pcmu"), audio("f", "pcmu")}, []string{"c", "e"}},
	} {
		got := (&Terms{Codecs: []string{"pcmu"}}).filter(row.d)
		var live []string
		for _, s := range got {
			if s.live() {
				live = append(live, s.ID)
			}
		}
		if len(got) != len(row.d) || !slices.Equal(live, row.want) {
			t.Errorf("%s: %d streams, of which %q are live, want %q", row.name, len(got), live, row.want)
		}
	}
}

func TestTermsAreCheckedWithTheMap(t *testing.T) {
	t.Parallel()
	r, problems := NewRouter([]MapSpec{{Home: []string{"flash:a"}, As: map[string]string{"pbx": "9"}, Calls: Terms{Media: "direct"}}}, fakes())
	if r != nil || len(problems) != 1 || problems[0].Key != "media" || problems[0].Msg != "not in this version" {
		t.Errorf("got %+v", problems)
	}
}

func TestAWindowOfTime(t *testing.T) {
	t.Parallel()
	const start = 1000*time.Hour + 30*time.Second
	for _, row := range []struct {
		name string
		adds []time.Duration // after start
		at   time.Duration
		want int
	}{
		{"empty", nil, 0, 0},
		{"what has just been", []time.Duration{0, 0, time.Second}, 2 * time.Second, 3},
		{"what is nearly out", []time.Duration{0}, 59 * time.Minute, 1},
		{"what is out", []time.Duration{0}, 60 * time.Minute, 0},
		{"what is long out", []time.Duration{0}, 1000 * time.Hour, 0},
		{"some of it", []time.Duration{0, 30 * time.Minute, 50 * time.Minute}, 70 * time.Minute, 2},
	} {
		w := newWindow(60, time.Minute)
		for _, d := range row.adds {
			w.add(start + d)
		}
		if got := w.sum(start + row.at); got != row.want {
			t.Errorf("%s: %d, want %d", row.name, got, row.want)
		}
	}
}
