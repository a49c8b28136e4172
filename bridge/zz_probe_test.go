package bridge
import ("testing";"math/rand/v2";"errors")
func TestProbe(t *testing.T) {
	rnd := rand.New(rand.NewPCG(9, 9))
	quiet, bad := 0, 0
	for range 40000 {
		specs := randomSpecs(rnd)
		r, problems := NewRouter(specs, fakes())
		if r == nil || len(problems) > 0 { continue }
		quiet++
		found := false
		for range 200 {
			s, err := r.locate(randomAddress(rnd)); if err != nil {continue}
			for _, at := range r.adapters {
				id, err := r.nameOf(s, at)
				if !found && (errors.Is(err, errBorrowed) || errors.Is(err, errAstray)) { found = true; bad++; if bad < 12 { t.Logf("%v %v: %v %v\n%+v", s, at.adapter, id.name, err, specs) } }
			}
		}
	}
	t.Log(quiet, bad)
}
