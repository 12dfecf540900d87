// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"time"

	"github.com/lateral-ml/lateral/lib/dataset"
	"github.com/lateral-ml/lateral/lib/internal/simd"
	"github.com/lateral-ml/lateral/lib/linear"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// margin is the work of the mode -svm: support vector machines of 2000 features of digits, one class against the rest,
// by this library and by liblinear through scikit-learn. All solutions are compared by their objective, which the same
// function computes.
type margin struct {
	x      *tensor.Tensor // [N, 2000]
	y      []int
	c      float64
	sparse bool
}

const svmClasses, svmFeatures = 10, 2000

// newMargin makes features like those of an autoencoder: the rectified products of n digits with patches of other
// digits, at random places, above a threshold. They are dense, and scaled such that a sample has the squared length 1
// on average; sparse ones are the largest 5 % of each feature.
func newMargin(n int, c float64, sparse bool) (*margin, error) {
	digits, _, err := dataset.Digits(1)
	if err != nil {
		return nil, err
	}
	if n < 100 || n > digits.Len() {
		return nil, fmt.Errorf("-svm %d: want 100 to %d samples of %s", n, digits.Len(), digits.Name)
	}
	const side, patch, threshold = 28, 10, 0.3
	rng, filters := tensor.Stream(1, "svm"), tensor.New(svmFeatures, side*side)
	for f := range svmFeatures {
		image, row, column := digits.X.Row(rng.IntN(digits.Len())), rng.IntN(side-patch+1), rng.IntN(side-patch+1)
		mean := float32(0)
		for i := range patch * patch {
			mean += image[(row+i/patch)*side+column+i%patch] / (patch * patch)
		}
		for i := range patch * patch {
			at := (row+i/patch)*side + column + i%patch
			filters.Row(f)[at] = image[at] - mean
		}
		simd.Scale(filters.Row(f), float32(1/math.Sqrt(float64(simd.SumSquares(filters.Row(f)))+1e-6)), filters.Row(f))
	}
	m := &margin{x: tensor.New(n, svmFeatures), y: digits.Y[:n], c: c, sparse: sparse}
	x := m.x.Data()
	simd.GemmNT(n, svmFeatures, side*side, digits.X.Data(), side*side, filters.Data(), side*side, x, svmFeatures, false)
	simd.AddScalar(x, -threshold, x)
	simd.Relu(x, x)
	if sparse {
		column := make([]float32, n)
		for f := range svmFeatures {
			for i := range column {
				column[i] = x[i*svmFeatures+f]
			}
			least := simd.KthLargest(column, n/20)
			for i, v := range column {
				if v < least {
					x[i*svmFeatures+f] = 0
				}
			}
		}
	}
	length := 0.0
	for i := range n {
		length += float64(simd.SumSquares(m.x.Row(i))) / float64(n)
	}
	simd.Scale(x, float32(1/math.Sqrt(length)), x)
	return m, nil
}

// A solution is the weights that a program found, with its cost.
type solution struct {
	name    string
	seconds float64
	w       []float64 // [10, 2001], the intercept last

	objective float64
}

// ours solves the problems with this library.
func (m *margin) ours(ctx context.Context) (solution, error) {
	x := linear.Dense(m.x)
	if m.sparse {
		x = linear.Compressed(svmFeatures)
		x.Append(m.x)
	}
	start := time.Now()
	found, err := linear.Config{C: m.c}.Fit(ctx, x, m.y)
	if err != nil {
		return solution{}, err
	}
	s := solution{name: "Lateral", seconds: time.Since(start).Seconds()}
	for k := range found.Classes() {
		for _, w := range found.Weights.Row(k) {
			s.w = append(s.w, float64(w))
		}
		s.w = append(s.w, float64(found.Bias.At(k)))
	}
	return s, nil
}

// files writes the samples and labels for the peers to a folder.
func (m *margin) files(dir string) error {
	labels := tensor.New(len(m.y))
	for i, y := range m.y {
		labels.Data()[i] = float32(y)
	}
	for name, t := range map[string]*tensor.Tensor{"samples": m.x, "labels": labels} {
		f, err := os.Create(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		defer f.Close()
		if err := binary.Write(f, binary.LittleEndian, t.Data()); err != nil {
			return err
		}
	}
	return nil
}

// peer solves the problems with a Python program, which reads what files wrote.
func (m *margin) peer(ctx context.Context, python, dir, method string) (solution, error) {
	layout := "dense"
	if m.sparse {
		layout = "sparse"
	}
	w := make([]float64, svmClasses*(svmFeatures+1))
	r, err := runScript(ctx, python, dir, "svm.py", w, method, layout, dir, m.x.Rows(), m.c)
	return solution{name: r.Name, seconds: r.Seconds, w: w}, err
}

// objective returns the sum over the classes of ½ |w|² + C sum_i max(0, 1 - y_i w·x_i)², in float64.
func (m *margin) objective(w []float64) float64 {
	const width = svmFeatures + 1
	sum := 0.0
	for _, v := range w {
		sum += v * v / 2
	}
	for i, y := range m.y {
		for k := range len(w) / width {
			row := w[k*width : (k+1)*width]
			z, sign := row[svmFeatures], -1.0
			for j, x := range m.x.Row(i) {
				if x != 0 {
					z += float64(x) * row[j]
				}
			}
			if k == y {
				sign = 1
			}
			slack := max(0, 1-sign*z)
			sum += m.c * slack * slack
		}
	}
	return sum
}

// svms is the mode -svm of the command. dir contains the peers' scripts; it is "" without peers.
func svms(ctx context.Context, n int, cs []float64, dir string, stdout, log io.Writer) error {
	fmt.Fprintf(stdout, "Support vector machines, ten classes against the rest, of %d samples with %d features. %s.\n\n",
		n, svmFeatures, machine())
	const columns = "%10s %6s  %-36s %10s %7s %14s %10s\n"
	fmt.Fprintf(stdout, columns, "not 0", "C", "program", "time", "ratio", "objective", "excess")
	for _, sparse := range []bool{false, true} {
		for _, c := range cs {
			m, err := newMargin(n, c, sparse)
			if err != nil {
				return err
			}
			all, err := m.solve(ctx, dir, log)
			if err != nil {
				return err
			}
			lowest := math.Inf(1)
			for i, found := range all {
				all[i].objective = m.objective(found.w)
				lowest = min(lowest, all[i].objective)
			}
			for _, found := range all {
				fmt.Fprintf(stdout, columns, fmt.Sprintf("%.0f %%", 100*density(m.x)), fmt.Sprint(c), found.name,
					fmt.Sprintf("%.2f s", found.seconds), fmt.Sprintf("%.2f", found.seconds/all[0].seconds),
					fmt.Sprintf("%.4f", found.objective), fmt.Sprintf("%.1e", found.objective/lowest-1))
			}
		}
	}
	return nil
}

// solve returns the solutions of this library, first, and of the peers.
func (m *margin) solve(ctx context.Context, dir string, log io.Writer) ([]solution, error) {
	first, err := m.ours(ctx)
	if err != nil || dir == "" {
		return []solution{first}, err
	}
	all := []solution{first}
	if err := m.files(dir); err != nil {
		return nil, err
	}
	return append(all, eachPeer(log, []string{"primal", "dual"}, func(python, method string) (solution, error) {
		return m.peer(ctx, python, dir, method)
	})...), nil
}

// density returns the share of the elements that are not zero.
func density(x *tensor.Tensor) float64 {
	return float64(simd.CountNonZero(x.Data())) / float64(cmp.Or(x.Len(), 1))
}
