// SPDX-License-Identifier: Apache-2.0

package sparsecode

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"runtime"

	"github.com/lateral-ml/lateral/lib/internal/parallel"
	"github.com/lateral-ml/lateral/lib/internal/simd"
	"github.com/lateral-ml/lateral/lib/tensor"
	"github.com/lateral-ml/lateral/lib/train"
)

// replaceAfter is the default number of patches that an atom may go without use.
const replaceAfter = 10_000

// learning is what both learners share: codes and residuals of a batch, and the count of what atoms are used for.
type learning struct {
	d        *Dictionary
	encoder  Encoder
	workers  int
	codes    tensor.Tensor  // a [N, K]
	residual tensor.Tensor  // x - a Phi [N, P]
	energy   []float32      // of the residuals [N]
	unused   []int          // patches since a coefficient was not zero [K]
	replaced int            // atoms in this epoch
	change   *tensor.Tensor // [K, P]

	x    *tensor.Tensor // argument of part
	part func(l *learning, lo, hi int)
}

// encode finds the codes and residuals of a batch, and reports the objective and how many coefficients are not zero.
func (l *learning) encode(x *tensor.Tensor, r *train.Recorder) error {
	if err := l.encoder.EncodeTo(&l.codes, l.d, x); err != nil {
		return err
	}
	n, p := x.Rows(), l.d.Pixels()
	l.x, l.energy = x, grow(l.energy, n)
	l.residual.Resize(n, p)
	l.share(n, 8, func(l *learning, lo, hi int) {
		codes := l.codes.Data()[lo*l.d.Len() : hi*l.d.Len()]
		out, k, p := l.residual.Data()[lo*l.d.Pixels():hi*l.d.Pixels()], l.d.Len(), l.d.Pixels()
		simd.GemmNN(hi-lo, p, k, codes, k, l.d.atoms.Data(), p, out, p, false)
		simd.Sub(out, l.x.Data()[lo*p:hi*p], out)
		for i := lo; i < hi; i++ {
			l.energy[i] = simd.SumSquares(l.residual.Row(i))
		}
	})
	loss, nonzero := 0.0, 0
	for i := range n {
		loss += float64(l.energy[i])/2 + l.encoder.Penalty(l.d, l.codes.Row(i))
		nonzero += simd.CountNonZero(l.codes.Row(i))
	}
	if loss /= float64(n); math.IsNaN(loss) || math.IsInf(loss, 0) {
		return &train.DivergedError{What: "objective", Value: loss}
	}
	r.Report("loss", loss)
	r.Report("nonzeros", float64(nonzero)/float64(n))
	return nil
}

// accumulate sets change to a^T y [K, P], the sum over a batch; y [N, P].
func (l *learning) accumulate(y *tensor.Tensor) {
	l.x = y
	l.share(l.d.Len(), 8, func(l *learning, lo, hi int) {
		k, p, n := l.d.Len(), l.d.Pixels(), l.codes.Rows()
		to := l.change.Data()[lo*p : hi*p]
		if n == 0 {
			clear(to)
			return
		}
		simd.GemmTN(hi-lo, p, n, l.codes.Data()[lo:], k, l.x.Data(), p, to, p, false)
	})
}

// count notes which atoms the batch used.
func (l *learning) count() {
	n := l.codes.Rows()
	for k := range l.unused {
		l.unused[k] += n
	}
	for i := range n {
		for k, a := range l.codes.Row(i) {
			if a != 0 {
				l.unused[k] = min(l.unused[k], n-1-i)
			}
		}
	}
}

// replace puts the patches of the batch with the longest residuals in the place of atoms that were not used for so many
// patches, and calls done with each such atom. A negative number replaces none, 0 is the default.
func (l *learning) replace(x *tensor.Tensor, after int, done func(k int)) {
	if after = cmp.Or(after, replaceAfter); after < 0 {
		return
	}
	for k, n := range l.unused {
		if n < after {
			continue
		}
		i := simd.ArgMax(l.energy)
		if l.energy[i] <= 0 {
			return
		}
		l.energy[i] = 0
		atom := l.d.atoms.Row(k)
		copy(atom, x.Row(i))
		normalize(atom)
		l.d.gains.Data()[k] = 1
		l.unused[k] = 0
		l.replaced++
		done(k)
	}
}

// refresh computes the Gram matrix again.
func (l *learning) refresh() {
	l.share(l.d.Len(), 16, func(l *learning, lo, hi int) { l.d.refreshRows(lo, hi) })
}

func (l *learning) share(n, grain int, do func(l *learning, lo, hi int)) {
	workers := l.workers
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	l.part = do
	parallel.For(workers, n, grain, l, func(arg any, lo, hi int) {
		l := arg.(*learning)
		l.part(l, lo, hi)
	})
}

// settings returns what checkpoints keep of an encoder.
func settings(e Encoder) any {
	text, err := json.Marshal(e)
	if err != nil {
		text = []byte(fmt.Sprintf("%q", fmt.Sprintf("%+v", e)))
	}
	return map[string]any{"encoder": fmt.Sprintf("%T", e), "of": json.RawMessage(text)}
}
