package main

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestMarksAreFoundInATextThatComesInPieces(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, text string
		want       []mark
	}{
		{"one", "<body>[[1.2]] hello</body>", []mark{{1, 2}}},
		{"two", "[[1.2]][[3.4]]", []mark{{1, 2}, {3, 4}}},
		{"none", "hello", nil},
		{"nothing", "", nil},
		{"brackets that are none", "[[x]] [[1.]] [[.1]] [[-1.2]] [ [[", nil},
		{"one that never ends", "[[1.22222222222222222222222222222222 [[5.6]]", []mark{{5, 6}}},
		{"one at the very end", "]][[12.345]]", []mark{{12, 345}}},
	} {
		for cut := range len(row.text) + 1 {
			if got := inPieces([]byte(row.text), cut); !slices.Equal(got, row.want) {
				t.Errorf("%s, cut at %d: %v", row.name, cut, got)
			}
		}
	}
}

// inPieces finds the marks of a text of which the first cut bytes come first.
func inPieces(text []byte, cut int) (all []mark) {
	add := func(m mark) { all = append(all, m) }
	done := marks(text[:cut], add)
	marks(text[done:], add)
	return all
}

func FuzzMarks(f *testing.F) {
	f.Add([]byte("a[[1.2]]b[[3.4"), 4)
	f.Add([]byte("[[[1.2]]]"), 2)
	f.Fuzz(func(t *testing.T, text []byte, cut int) {
		if cut < 0 || cut > len(text) {
			cut = len(text) / 2
		}
		var whole []mark
		done := marks(text, func(m mark) { whole = append(whole, m) })
		if len(text)-done >= longest || done < 0 {
			t.Errorf("%d of %d bytes dealt with", done, len(text))
		}
		if got := inPieces(text, cut); !slices.Equal(got, whole) {
			t.Errorf("%v in pieces, %v whole", got, whole)
		}
	})
}

func TestLoadEndsWhenEveryTextHasArrivedAndIsAnswered(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLoad(7, 100, 4, true)
		err := l.run(t.Context(), 0, func(m mark) error {
			go func() {
				l.answer(m, true)
				time.Sleep(time.Duration(m.number+1) * time.Millisecond)
				l.arrived(m, time.Now())
				l.arrived(m, time.Now()) // a repeat
				l.arrived(mark{6, m.number}, time.Now())
				l.arrived(mark{7, 100}, time.Now())
			}()
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for i, took := range l.times() {
			if took != time.Duration(i+1)*time.Millisecond {
				t.Errorf("text %d took %v", i, took)
			}
		}
	})
}

func TestLoadKeepsItsPace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLoad(1, 101, 0, false)
		err := l.run(t.Context(), 50, func(m mark) error {
			l.arrived(m, time.Now())
			return nil
		})
		if err != nil || l.elapsed != 2*time.Second {
			t.Errorf("%v after %v", err, l.elapsed)
		}
	})
}

func TestLoadThatGetsLostIsTold(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	for _, row := range []struct {
		name string
		send func(l *load, m mark) error
		want string
	}{
		{"nothing arrives", func(*load, mark) error { return nil }, "3 have not arrived"},
		{"no answer comes", func(l *load, m mark) error { l.arrived(m, time.Now()); return nil }, "3 have no answer"},
		{"all are refused", func(l *load, m mark) error { l.arrived(m, time.Now()); l.answer(m, false); return nil }, "3 of 3 texts were refused"},
		{"none can be sent", func(*load, mark) error { return broken }, "broken"},
	} {
		synctest.Test(t, func(t *testing.T) {
			l := newLoad(1, 3, 3, true)
			err := l.run(t.Context(), 0, func(m mark) error { return row.send(l, m) })
			if err == nil || !strings.Contains(err.Error(), row.want) {
				t.Errorf("%s: %v", row.name, err)
			}
		})
	}
}

func TestProcessLineIsReadWhateverTheName(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		text string
		want process
		ok   bool
	}{
		{"42 (gateway) S 7 42 1 0 -1", process{42, 7, 42}, true},
		{"42 (a) b (c)) R 7 9 1", process{42, 7, 9}, true},
		{"42 (gateway) S x 42", process{}, false},
		{"", process{}, false},
	} {
		p, ok := parseStat(row.text)
		if ok != row.ok || ok && p != row.want {
			t.Errorf("%q: %+v %v", row.text, p, ok)
		}
	}
}

func FuzzProcessLine(f *testing.F) {
	f.Add("42 (a) b (c)) R 7 9 1")
	f.Fuzz(func(_ *testing.T, text string) { parseStat(text) })
}

func TestSpreadIsTheMedianAndItsBounds(t *testing.T) {
	t.Parallel()
	if s := spreadOf([]float64{5, 1, 4, 2, 3}); s != (spread{3, 1, 5}) {
		t.Errorf("%+v", s)
	}
	ours := samples{{texts: 10, cpu: 20 * time.Second, server: 40 * time.Second, elapsed: 5 * time.Second}}
	theirs := samples{{texts: 20, cpu: 10 * time.Second}}
	for name, row := range map[string]struct{ got, want float64 }{
		"per CPU second": {ours.perCPU().median, 0.5}, "of the server": {ours.ofServer().median, 0.5},
		"against others": {ours.against(theirs).median, 4}, "per second": {ours.perSecond().median, 2},
	} {
		if row.got != row.want {
			t.Errorf("%s: %v, want %v", name, row.got, row.want)
		}
	}
	for median, want := range map[float64]string{0.9: "level", 1.4: "met", 1.6: "missed"} {
		if got := aimed(spread{median: median}, aimKamailio, levelWith); !strings.HasSuffix(got, want) {
			t.Errorf("%v: %s", median, got)
		}
	}
}

func TestGaugeIsFoundOnAPage(t *testing.T) {
	t.Parallel()
	page := "# HELP q\nq{adapter=\"pbx2\"} 1\nq{adapter=\"pbx\"} 5.2e+03\n"
	if n := gauge(page, `q{adapter="pbx"}`); n != 5200 {
		t.Errorf("%d", n)
	}
	if n := gauge(page, `q{adapter="chat"}`); n != 0 {
		t.Errorf("%d", n)
	}
}

func TestReportSaysWhatDoesNotWork(t *testing.T) {
	t.Parallel()
	var tx texts
	for s := range styles {
		for d := range directions {
			tx.gateway[s][d] = samples{{texts: 1, cpu: 1, server: 1, elapsed: 1, times: []time.Duration{1}}}
		}
	}
	tx.failed = errors.New("it went away")
	var b strings.Builder
	printTexts(&b, &tx, "not itself", "nowhere at all")
	for _, want := range []string{"it went away", "not itself", "nowhere at all", "none", "missed"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
}
