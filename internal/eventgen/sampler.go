package eventgen

import "math"

// A sampler draws indexes by weight in constant time (the alias method).
type sampler struct {
	keep  []uint32 // of 1<<32: how often a slot stands for itself
	alias []uint32
}

func newSampler(weights []float64) sampler {
	n := len(weights)
	s := sampler{make([]uint32, n), make([]uint32, n)}
	sum := 0.0
	for _, w := range weights {
		sum += w
	}
	scaled := make([]float64, n)
	var small, large []int
	for i, w := range weights {
		scaled[i] = w * float64(n) / sum
		if scaled[i] < 1 {
			small = append(small, i)
		} else {
			large = append(large, i)
		}
	}
	for len(small) > 0 && len(large) > 0 {
		i, j := small[len(small)-1], large[len(large)-1]
		small = small[:len(small)-1]
		s.keep[i], s.alias[i] = uint32(scaled[i]*math.MaxUint32), uint32(j)
		scaled[j] -= 1 - scaled[i]
		if scaled[j] < 1 {
			large = large[:len(large)-1]
			small = append(small, j)
		}
	}
	for _, i := range append(small, large...) {
		s.keep[i], s.alias[i] = math.MaxUint32, uint32(i)
	}
	return s
}

// draw turns a random number into an index.
func (s *sampler) draw(r uint64) uint32 {
	i := uint32(r >> 32 * uint64(len(s.keep)) >> 32)
	if uint32(r) <= s.keep[i] {
		return i
	}
	return s.alias[i]
}

// zipf returns the weights 1/rank^exponent.
func zipf(n int, exponent float64) []float64 {
	w := make([]float64, n)
	for i := range w {
		w[i] = math.Pow(float64(i+1), -exponent)
	}
	return w
}
