package speex

// The filter bank that parts a band in two and joins it again (Speex manual
// section 10). Both filters have 64 taps, the same backwards as forwards; here are
// those of even number. Those of odd number are these, the last first.
var qmfEven = [qmfHalf]float32{
	3.596189e-05, -0.0001104587, 0.0002298438, -0.0003823631,
	0.0005308539, -0.0006243724, 0.0005743159, -0.0002584767,
	-0.0004857935, 0.001894714, -0.004313674, 0.00828756,
	-0.01485397, 0.026447, -0.05095487, 0.1382363,
	0.4600981, -0.09779096, 0.05543245, -0.03764973,
	0.02716055, -0.01994365, 0.01459396, -0.01050689,
	0.007367171, -0.004989147, 0.003235877, -0.001986177,
	0.00113826, -0.0005953563, 0.0002790277, -0.0001123515,
}

const (
	qmfHalf = 32
	qmfPast = qmfHalf - 1
	maxBand = 2 * frameLen // what each band of a frame of 32 kHz has
)

// A joiner makes one signal of two bands.
type joiner struct {
	diff, sum [qmfPast + maxBand]float32
}

// join makes out, of twice their length, from two bands. It may overlay low only
// where it begins.
func (q *joiner) join(out, low, high []float32) {
	n := len(low)
	for i, l := range low {
		q.diff[qmfPast+i] = l - high[i]
		q.sum[qmfPast+i] = l + high[i]
	}
	for i := range n {
		diff := (*[qmfHalf]float32)(q.diff[i:])
		sum := (*[qmfHalf]float32)(q.sum[i:])
		var d0, d1, s0, s1 float32
		for j := 0; j < qmfHalf; j += 2 {
			d0 += qmfEven[qmfPast-j] * diff[j]
			d1 += qmfEven[qmfPast-j-1] * diff[j+1]
			s0 += qmfEven[j] * sum[j]
			s1 += qmfEven[j+1] * sum[j+1]
		}
		out[2*i] = 2 * (d0 + d1)
		out[2*i+1] = 2 * (s0 + s1)
	}
	copy(q.diff[:qmfPast], q.diff[n:])
	copy(q.sum[:qmfPast], q.sum[n:])
}

// A parter makes two bands of one signal.
type parter struct {
	even, odd [qmfHalf + maxBand]float32 // the samples of either number
}

// part makes the bands of in, each of half its length.
func (q *parter) part(low, high, in []float32) {
	n := len(in) / 2
	for i := range n {
		q.even[qmfPast+i] = in[2*i]
		q.odd[qmfHalf+i] = in[2*i+1]
	}
	for i := range n {
		even := (*[qmfHalf]float32)(q.even[i:])
		odd := (*[qmfHalf]float32)(q.odd[i:])
		var a0, a1, b0, b1 float32
		for j := 0; j < qmfHalf; j += 2 {
			a0 += qmfEven[j] * odd[j]
			a1 += qmfEven[j+1] * odd[j+1]
			b0 += qmfEven[qmfPast-j] * even[j]
			b1 += qmfEven[qmfPast-j-1] * even[j+1]
		}
		a, b := a0+a1, b0+b1
		low[i], high[i] = b+a, b-a
	}
	copy(q.even[:qmfPast], q.even[n:n+qmfPast])
	copy(q.odd[:qmfHalf], q.odd[n:n+qmfHalf])
}
