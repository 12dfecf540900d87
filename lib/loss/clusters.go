// SPDX-License-Identifier: Apache-2.0

package loss

import (
	"fmt"
	"iter"
	"slices"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/internal/simd"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// Clustered says which parts of the activations y [N, C, H, W] form clusters. A vector y [N, L] has samples only.
type Clustered string

// The parts of the document.
const (
	Samples  Clustered = "sample"  // N rows of C·H·W numbers [NINAI17, eq. 14]
	Pixels   Clustered = "spatial" // N·H·W rows of C numbers, one for each position [NINAI17, eq. 15]
	Channels Clustered = "channel" // N·C rows of H·W numbers, one for each channel of a sample [NINAI17, eq. 16]
)

// Clusters is the regulariser that draws the parts of a layer's activations towards K centres,
//
//	lambda · R,   R = 1/(2NCHW) · sum over rows i of ||row_i - centre(z_i)||²,   z_i the nearest centre,
//
// where the rows are those of [Clustered]. A layer has its own centres; they receive no gradient but move with the
// activations, and they are saved with a model that holds them. Source: [NINAI17, eqs. 14 to 16].
type Clusters struct {
	Of      Clustered
	Centres *tensor.Tensor // [K, length of a row]
	Uses    *tensor.Tensor // [K], number of rows assigned to each centre in training since the last Reseed
	Keep    float32        // weight of the old centre in an update, 0 <= Keep <= 1; 1 keeps the centres
	RNG     *tensor.RNG    // source of Reseed

	nearest []float64 // squared distances of Reseed
}

// NewClusters returns k centres for rows of the given length, drawn from N(0, std²), with Keep 0.1, the value of the
// document's authors for CIFAR-10; theirs have the standard deviation of the layer's initial weights. It panics if a
// number is less than 1 or the part is unknown.
func NewClusters(of Clustered, k, length int, std float32, rng *tensor.RNG) *Clusters {
	if k < 1 || length < 1 || !slices.Contains([]Clustered{Samples, Pixels, Channels}, of) {
		panic(fmt.Sprintf("loss: NewClusters: %d centres of %d numbers for parts %q: want at least 1, and sample, "+
			"spatial or channel", k, length, of))
	}
	c := &Clusters{Of: of, Centres: tensor.New(k, length), Uses: tensor.New(k), Keep: 0.1, RNG: rng}
	rng.Normal(c.Centres.Data(), 0, std)
	return c
}

// Loss returns lambda·R of the activations y, a number. In training, the rows are assigned first; then each centre with
// rows moves to
//
//	centre = Keep·centre + (1 - Keep)·(mean of its rows)
//
// and others stay; then R is computed for these assignments and centres. Outside training, centres do not move. Equally
// near centres go to the lowest. Loss panics if y does not have rows of the centres' length.
func (c *Clusters) Loss(y *autograd.Var, lambda float32) *autograd.Var {
	rows, length := c.rows("Clusters", y)
	r, op := autograd.Record[clustersOp]("Clusters", y)
	r.Resize()
	op.of, op.rows, op.length, op.centres = c.Of, rows, length, c.Centres
	op.slope = lambda / float32(y.Value().Len())
	op.label = slices.Grow(op.label[:0], rows)[:rows]
	op.distance = slices.Grow(op.distance[:0], rows)[:rows]
	op.assign(r, c.Centres)
	if y.Tape().Training() {
		c.move(op)
	}
	// The backward pass needs the centres of this step.
	op.used = append(op.used[:0], c.Centres.Data()...)
	autograd.For(r, rows, op.grain(), (*clustersOp).measure)
	sum := 0.0
	for _, d := range op.distance {
		sum += float64(d)
	}
	r.Data()[0] = float32(float64(op.slope) / 2 * sum)
	return r
}

// Assign returns the nearest centre of each row of y, the lowest of equally near ones. Centres do not move. It panics
// if y does not have rows of the centres' length.
func (c *Clusters) Assign(y *autograd.Var) []int {
	rows, length := c.rows("Assign", y)
	r, op := autograd.Record[clustersOp]("Assign", y.Tape().Input(y.Value()))
	r.Resize()
	op.of, op.rows, op.length, op.centres = c.Of, rows, length, c.Centres
	op.label = slices.Grow(op.label[:0], rows)[:rows]
	op.assign(r, c.Centres)
	labels := make([]int, 0, rows)
	for _, k := range op.label {
		labels = append(labels, int(k))
	}
	return labels
}

// rows returns the number of rows of y and their length.
func (c *Clusters) rows(operation string, y *autograd.Var) (rows, length int) {
	s := y.Shape()
	length = y.Width()
	switch {
	case len(s) == 4 && c.Of == Pixels:
		length = s[1]
	case len(s) == 4 && c.Of == Channels:
		length = s[2] * s[3]
	case c.Of != Samples:
		panic(fmt.Sprintf("loss: %s: y of shape %v for parts %q: want y [N, C, H, W]", operation, s, c.Of))
	}
	if length != c.Centres.Width() {
		panic(fmt.Sprintf("loss: %s: rows of %d numbers of y %v for centres of %d", operation, length, s, c.Centres.Width()))
	}
	return y.Value().Len() / max(length, 1), length
}

// move updates the centres with the rows that are assigned to them.
func (c *Clusters) move(op *clustersOp) {
	op.sums = slices.Grow(op.sums[:0], c.Centres.Len())[:c.Centres.Len()]
	clear(op.sums)
	op.count = slices.Grow(op.count[:0], c.Centres.Rows())[:c.Centres.Rows()]
	clear(op.count)
	for i, k := range op.label {
		sum := op.sums[int(k)*op.length : (int(k)+1)*op.length]
		simd.Add(sum, sum, op.row(i))
		op.count[k]++
	}
	for k, n := range op.count {
		if n == 0 {
			continue
		}
		c.Uses.Data()[k] += n
		centre := c.Centres.Row(k)
		simd.Scale(centre, c.Keep, centre)
		simd.Axpy(centre, (1-c.Keep)/n, op.sums[k*op.length:(k+1)*op.length])
	}
}

// Used returns the number of centres that had rows in training since the last [Clusters.Reseed].
func (c *Clusters) Used() int { return simd.CountPositive(c.Uses.Data()) }

// Reseed moves centres that had fewer than least rows since the last call to rows of y, and sets Uses to 0. As in
// k-means++, each of them becomes a row that is drawn with a probability in proportion to the squared distance from its
// nearest centre. It returns the number of centres that it moved, which is smaller if all rows lie on centres. Call it
// between steps, such as once per epoch with the activations of a batch; the document's authors use least = 10. y may
// be a parameter. Reseed panics if y does not have rows of the centres' length.
func (c *Clusters) Reseed(y *autograd.Var, least int) int {
	rows, length := c.rows("Reseed", y)
	op := &clustersOp{of: c.Of, rows: rows, length: length}
	op.arrange(y)
	alive := func(k int) bool { return c.Uses.Data()[k] >= float32(least) }
	c.nearest = slices.Grow(c.nearest[:0], rows)[:rows]
	for i := range c.nearest {
		c.nearest[i] = -1 // no centre yet
	}
	for k := range c.Centres.Rows() {
		if alive(k) {
			c.approach(op, k)
		}
	}
	moved := 0
	for k := range c.Centres.Rows() {
		if alive(k) {
			continue
		}
		i, ok := c.drawRow()
		if !ok {
			break
		}
		copy(c.Centres.Row(k), op.row(i))
		c.approach(op, k)
		moved++
	}
	clear(c.Uses.Data())
	return moved
}

// approach updates the distance of each row from the nearest centre with that from centre k.
func (c *Clusters) approach(op *clustersOp, k int) {
	for i, nearest := range c.nearest {
		sum := 0.0
		for j, v := range op.row(i) {
			d := float64(v - c.Centres.Row(k)[j])
			sum += d * d
		}
		if nearest < 0 || sum < nearest {
			c.nearest[i] = sum
		}
	}
}

// drawRow draws a row in proportion to its distance, any row if there are no centres yet.
func (c *Clusters) drawRow() (row int, ok bool) {
	sum := 0.0
	for _, d := range c.nearest {
		sum += max(d, 0)
	}
	switch {
	case len(c.nearest) == 0:
		return 0, false
	case c.nearest[0] < 0:
		return c.RNG.IntN(len(c.nearest)), true
	case !(sum > 0):
		return 0, false
	}
	at := c.RNG.Float64() * sum
	for i, d := range c.nearest {
		if at -= d; at < 0 {
			return i, true
		}
	}
	return slices.Index(c.nearest, slices.Max(c.nearest)), true
}

// clustersOp is the state of [Clusters.Loss].
type clustersOp struct {
	of           Clustered
	rows, length int
	slope        float32 // lambda/NCHW

	x        []float32 // the rows, one after the other; y itself or turned
	turned   []float32 // memory of x for pixels
	label    []int32
	distance []float32 // squared, from the assigned centre

	centres  *tensor.Tensor
	half     []float32 // ||centre||²/2
	products []float32 // of a block of rows with all centres
	sums     []float32
	count    []float32
	used     []float32 // copy of the centres for the backward pass
}

func (op *clustersOp) row(i int) []float32 { return op.x[i*op.length : (i+1)*op.length] }

// arrange sets x to the rows of y.
func (op *clustersOp) arrange(y *autograd.Var) {
	if op.of != Pixels {
		op.x = y.Data()
		return
	}
	op.turned = slices.Grow(op.turned[:0], y.Value().Len())[:y.Value().Len()]
	op.x = op.turned
	op.eachSample(y, func(rows []float32, at int) {
		places := len(rows) / op.length
		simd.Transpose(rows, op.length, y.Data()[at:at+len(rows)], places, op.length, places)
	})
}

// eachSample calls do with the rows of each sample and their position in y.
func (op *clustersOp) eachSample(y *autograd.Var, do func(rows []float32, at int)) {
	size := y.Width()
	for n := range y.Rows() {
		do(op.x[n*size:(n+1)*size], n*size)
	}
}

// block is the number of rows whose products with the centres are computed at once.
const block = 64

func (op *clustersOp) grain() int { return 1<<14/max(op.length, 1) + 1 }

// assign finds the nearest centre of each row: that with the largest row·centre - ||centre||²/2.
func (op *clustersOp) assign(r *autograd.Var, centres *tensor.Tensor) {
	op.arrange(r.In(0))
	k := centres.Rows()
	op.half = slices.Grow(op.half[:0], k)[:k]
	for i := range op.half {
		op.half[i] = simd.SumSquares(centres.Row(i)) / 2
	}
	blocks := (op.rows + block - 1) / block
	op.products = slices.Grow(op.products[:0], blocks*block*k)[:blocks*block*k]
	autograd.For(r, blocks, 1<<18/(block*k*max(op.length, 1))+1, (*clustersOp).assignBlocks)
}

func (op *clustersOp) assignBlocks(_ *autograd.Var, lo, hi int) {
	k := op.centres.Rows()
	for b := lo; b < hi; b++ {
		first := b * block
		n := min(block, op.rows-first)
		p := op.products[first*k:][:n*k]
		simd.GemmNT(n, k, op.length, op.x[first*op.length:(first+n)*op.length], op.length, op.centres.Data(), op.length, p, k,
			false)
		for i := range n {
			row := p[i*k : (i+1)*k]
			simd.Sub(row, row, op.half)
			op.label[first+i] = int32(simd.ArgMax(row))
		}
	}
}

// measure computes the distances of rows lo to hi from their centres.
func (op *clustersOp) measure(_ *autograd.Var, lo, hi int) {
	for i := lo; i < hi; i++ {
		centre, sum := op.centre(i), 0.0
		for j, v := range op.row(i) {
			d := float64(v - centre[j])
			sum += d * d
		}
		op.distance[i] = float32(sum)
	}
}

func (op *clustersOp) centre(i int) []float32 {
	k := int(op.label[i])
	return op.used[k*op.length : (k+1)*op.length]
}

// Backward adds lambda/(NCHW)·(row - centre).
func (op *clustersOp) Backward(r *autograd.Var) {
	y := r.In(0)
	if !y.NeedsGrad() {
		return
	}
	dy, s := y.GradSum(), op.slope*r.Grad().Data()[0]
	simd.Axpy(dy, s, y.Data())
	if op.of != Pixels {
		for i := range op.rows {
			simd.Axpy(dy[i*op.length:(i+1)*op.length], -s, op.centre(i))
		}
		return
	}
	places := y.Width() / op.length
	for i := range op.rows {
		at := i/places*y.Width() + i%places
		for c, v := range op.centre(i) {
			dy[at+c*places] -= s * v
		}
	}
}

// Choices are the assignments.
func (op *clustersOp) Choices(*autograd.Var) iter.Seq[int32] { return slices.Values(op.label) }
