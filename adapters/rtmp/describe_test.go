package rtmp

import (
	"fmt"
	"testing"

	"gateway/codec"
)

func words(list []codec.Format) string { return fmt.Sprint(list) }

// A tasting is what somebody offers, and what comes of an offer.
type tasting struct {
	t      taste
	offers []codec.Format
	offer  []codec.Format // of the other side
	answer []codec.Format
	hears  codec.Format
}

func TestTastes(t *testing.T) {
	t.Parallel()
	mp3 := codec.Format{Kind: codec.Audio, Name: nameMP3, Rate: 44100, Channels: 2}
	gsm := codec.Format{Kind: codec.Audio, Name: "gsm", Rate: 8000, Channels: 1}
	hear := []codec.Format{speexWide, pcmu, pcma}
	ev := events
	checkTastes(t, map[string]tasting{
		"a phone of Flash":     {wideTaste(), []codec.Format{speexWide, pcmu, pcma, speexNarrow, ev}, []codec.Format{pcma, opus, speexWide, ev}, []codec.Format{pcma, speexWide, ev}, pcma},
		"one with a list":      {taste{send: []codec.Format{pcmu, speexWide}, hear: []codec.Format{pcmu, speexWide}, strict: true}, []codec.Format{pcmu, speexWide, ev}, []codec.Format{speexWide, pcmu}, []codec.Format{pcmu, speexWide}, pcmu},
		"a publisher of A-law": {taste{send: []codec.Format{pcma}, hear: hear}, []codec.Format{pcma, speexWide, pcmu, ev}, []codec.Format{pcmu, pcma, ev}, []codec.Format{pcmu, pcma, ev}, pcmu},
		"a publisher of MP3":   {taste{send: []codec.Format{mp3}, hear: hear}, []codec.Format{mp3, speexWide, ev}, []codec.Format{gsm, pcmu}, []codec.Format{pcmu}, pcmu},
		"a player":             {taste{hear: hear}, []codec.Format{speexWide, pcmu, pcma, ev}, []codec.Format{gsm, ev}, nil, speexWide},
	})
}

func checkTastes(t *testing.T, rows map[string]tasting) {
	t.Helper()
	for name, c := range rows {
		if got := words(c.t.offering()); got != words(c.offers) {
			t.Errorf("%s offers %s, want %s", name, got, words(c.offers))
		}
		answer := c.t.answering(c.offer)
		if words(answer) != words(c.answer) {
			t.Errorf("%s answers %s, want %s", name, words(answer), words(c.answer))
		}
		if got := c.t.heardAs(answer); got != c.hears {
			t.Errorf("%s hears %v, want %v", name, got, c.hears)
		}
	}
}
