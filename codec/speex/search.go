package speex

const survivors = 2 // how many beginnings of a vector the search carries on

// A searcher finds the vectors of a shape that are nearest to a target. It has the
// room that takes.
type searcher struct {
	heard [256 * 5]float32 // the vectors through the filter, each by itself
	half  [256]float32     // half the energy of each
	now   [survivors]path
	then  [survivors]path
}

// A path is a choice of vectors from the first subvector on.
type path struct {
	rest [subLen]float32 // the target without what they give
	ids  [8]int
	left float32
}

// A pick is a vector with its sign, in the bits of the format.
type pick struct {
	id    int
	score float32 // the lower the better
}

// search writes the vectors of s that are nearest to target, heard through h, and adds them to innov, times gain.
func (e *searcher) search(w *bitWriter, s *shape, target []float32, h *response, innov []float32, gain float32) {
	r := h.r[:]
	e.hear(s, r)
	e.now[0].left = 0
	copy(e.now[0].rest[:], target)
	paths := 1
	for i := range s.n {
		paths = e.extend(s, i, paths, r)
	}
	for i, id := range e.now[0].ids[:s.n] {
		w.write(id, s.sign+s.bits)
		g := gain
		if id >= 1<<s.bits {
			id -= 1 << s.bits
			g = -g
		}
		part := innov[i*s.dim : (i+1)*s.dim]
		for j, v := range s.book[id*s.dim : (id+1)*s.dim] {
			part[j] += g * v
		}
	}
}

// hear passes all vectors of s through the filter.
func (e *searcher) hear(s *shape, r []float32) {
	for k := range 1 << s.bits {
		out, v := e.heard[k*s.dim:(k+1)*s.dim], s.book[k*s.dim:(k+1)*s.dim]
		switch s.dim {
		case 5:
			hear5((*[5]float32)(out), (*[5]float32)(v), (*[5]float32)(r))
		case 8:
			hear8((*[8]float32)(out), (*[8]float32)(v), (*[8]float32)(r))
		default:
			clear(out)
			for i, v := range v {
				for j, h := range r[:s.dim-i] {
					out[i+j] += v * h
				}
			}
		}
		e.half[k] = .5 * dot(out, out)
	}
}

func hear5(y, v, r *[5]float32) {
	r0, r1, r2 := r[0], r[1], r[2]
	y[0] = v[0] * r0
	y[1] = v[0]*r1 + v[1]*r0
	y[2] = v[0]*r2 + v[1]*r1 + v[2]*r0
	y[3] = v[0]*r[3] + v[1]*r2 + v[2]*r1 + v[3]*r0
	y[4] = v[0]*r[4] + v[1]*r[3] + v[2]*r2 + v[3]*r1 + v[4]*r0
}

func hear8(y, v, r *[8]float32) {
	r0, r1, r2, r3, r4 := r[0], r[1], r[2], r[3], r[4]
	y[0] = v[0] * r0
	y[1] = v[0]*r1 + v[1]*r0
	y[2] = v[0]*r2 + v[1]*r1 + v[2]*r0
	y[3] = v[0]*r3 + v[1]*r2 + v[2]*r1 + v[3]*r0
	y[4] = v[0]*r4 + v[1]*r3 + v[2]*r2 + v[3]*r1 + v[4]*r0
	y[5] = v[0]*r[5] + v[1]*r4 + v[2]*r3 + v[3]*r2 + v[4]*r1 + v[5]*r0
	y[6] = v[0]*r[6] + v[1]*r[5] + v[2]*r4 + v[3]*r3 + v[4]*r2 + v[5]*r1 + v[6]*r0
	y[7] = v[0]*r[7] + v[1]*r[6] + v[2]*r[5] + v[3]*r4 + v[4]*r3 + v[5]*r2 + v[6]*r1 + v[7]*r0
}

// extend goes on from the paths by subvector i to the best of all there are then,
// and returns how many these are.
func (e *searcher) extend(s *shape, i, paths int, r []float32) int {
	type step struct {
		from int
		id   int
		left float32
	}
	var best [survivors]step
	n := 0
	for from := range paths {
		p := &e.now[from]
		x := p.rest[i*s.dim : (i+1)*s.dim]
		base := p.left + .5*dot(x, x)
		for _, c := range e.nearest(s, x) {
			next := step{from: from, id: c.id, left: base + c.score}
			if n == survivors && next.left >= best[n-1].left {
				continue
			}
			n = min(n+1, survivors)
			k := n - 1
			for ; k > 0 && next.left < best[k-1].left; k-- {
				best[k] = best[k-1]
			}
			best[k] = next
		}
	}
	for k, b := range best[:n] {
		p := &e.then[k]
		p.ids = e.now[b.from].ids
		p.ids[i] = b.id
		p.left = b.left
		done := (i + 1) * s.dim
		rest := p.rest[done:]
		copy(rest, e.now[b.from].rest[done:])
		id, g := b.id, float32(1)
		if id >= 1<<s.bits {
			id -= 1 << s.bits
			g = -g
		}
		for j, v := range s.book[id*s.dim : (id+1)*s.dim] {
			h := r[s.dim-j:][:len(rest)]
			c := g * v
			for m := range rest {
				rest[m] -= c * h[m]
			}
		}
	}
	e.now, e.then = e.then, e.now
	return n
}

// A pair is the two best picks so far.
type pair [survivors]pick

func (b *pair) put(id int, score float32) {
	if score < b[0].score {
		b[1] = b[0]
		b[0] = pick{id, score}
	} else if score < b[1].score {
		b[1] = pick{id, score}
	}
}

// nearest are the vectors of s that come nearest to x by themselves, the best
// first.
func (e *searcher) nearest(s *shape, x []float32) pair {
	const far = 1e30
	best := pair{{score: far}, {score: far}}
	half := e.half[:1<<s.bits]
	switch s.dim {
	case 5:
		e.nearest5(&best, half, (*[5]float32)(x))
	case 8:
		e.nearest8(&best, half, (*[8]float32)(x), s.sign == 1)
	default:
		for k, h := range half {
			best.put(k, h-dot(x, e.heard[k*s.dim:(k+1)*s.dim]))
		}
	}
	return best
}

func (e *searcher) nearest5(best *pair, half []float32, x *[5]float32) {
	x0, x1, x2, x3, x4 := x[0], x[1], x[2], x[3], x[4]
	worst := best[1].score
	for k, h := range half {
		v := (*[5]float32)(e.heard[5*k:])
		score := h - (x0*v[0] + x1*v[1]) - (x2*v[2] + x3*v[3]) - x4*v[4]
		if score < worst {
			best.put(k, score)
			worst = best[1].score
		}
	}
}

func (e *searcher) nearest8(best *pair, half []float32, x *[8]float32, signed bool) {
	x0, x1, x2, x3, x4, x5, x6, x7 := x[0], x[1], x[2], x[3], x[4], x[5], x[6], x[7]
	worst := best[1].score
	for k, h := range half {
		v := (*[8]float32)(e.heard[8*k:])
		corr := (x0*v[0] + x1*v[1] + x2*v[2] + x3*v[3]) + (x4*v[4] + x5*v[5] + x6*v[6] + x7*v[7])
		id := k
		if signed && corr < 0 {
			corr = -corr
			id += len(half)
		}
		if score := h - corr; score < worst {
			best.put(id, score)
			worst = best[1].score
		}
	}
}

// again refines what search has just found, innov over gain, with vectors that
// count less by scale, up being its inverse.
func (e *searcher) again(w *bitWriter, s *shape, target *[subLen]float32, h *response, innov []float32, gain, up, scale float32) {
	var found, heard [subLen]float32
	for i, v := range innov {
		found[i] = v / gain
	}
	h.convolve(&heard, &found)
	for i, v := range heard {
		target[i] = up * (target[i] - v)
	}
	e.search(w, s, target[:], h, innov, scale*gain)
}
