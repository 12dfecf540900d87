// SPDX-License-Identifier: Apache-2.0

package embed

import (
	"errors"
	"math"
	"slices"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/lapack/gonum"
	"gonum.org/v1/gonum/lapack/lapack64"

	"github.com/lateral-ml/lateral/lib/tensor"
)

// top returns the k largest eigenvalues, in descending order, of the symmetric n x n matrix whose lower triangle is in
// a, and their eigenvectors [k, n], rows of length 1, orthogonal to each other. It overwrites a.
//
// gonum's mat.EigenSym computes all n vectors by rotations, at several times the cost of the rest. This function
// computes the few that are needed by inverse iteration: a = Q T Q^T with T tridiagonal, and solving (T - value I) v' =
// v takes n steps.
func top(a []float64, n, k int) (values []float64, vectors blas64.General, err error) {
	var impl gonum.Implementation
	vectors = blas64.General{Rows: k, Cols: n, Stride: n, Data: make([]float64, k*n)}
	diagonal, off, tau := make([]float64, n), make([]float64, n-1), make([]float64, n-1)
	work := make([]float64, 1)
	impl.Dsytrd(blas.Lower, n, a, n, diagonal, off, tau, work, -1) // asks for the size of work
	work = make([]float64, int(work[0]))
	impl.Dsytrd(blas.Lower, n, a, n, diagonal, off, tau, work, len(work))

	values = slices.Clone(diagonal)
	if !impl.Dsterf(n, values, slices.Clone(off)) { // ascending
		return nil, vectors, errors.New("the eigenvalues did not converge")
	}
	norm := max(math.Abs(values[0]), math.Abs(values[n-1]))
	slices.Reverse(values)
	values = values[:k]

	rng := tensor.Stream(0, "embed: inverse iteration")
	for j, value := range values {
		v := vectors.Data[j*n : (j+1)*n]
		for i := range v {
			v[i] = rng.NormFloat64()
		}
		orthonormalize(vectors, j)
		// Each solution amplifies the eigenvectors whose values are within rounding of this one by about 1e14 relative to the
		// others. Those already found are removed, so that equal values get different vectors.
		for range 4 {
			solve(diagonal, off, value, norm, v)
			orthonormalize(vectors, j)
		}
	}

	if n > 1 { // (Q v)^T = v^T Q^T; Q leaves the first coordinate unchanged
		q := blas64.General{Rows: n - 1, Cols: n - 1, Stride: n, Data: a[n:]}
		v := blas64.General{Rows: k, Cols: n - 1, Stride: n, Data: vectors.Data[1:]}
		lapack64.Ormqr(blas.Right, blas.Trans, q, tau, v, work[:1], -1)
		work = make([]float64, int(work[0]))
		lapack64.Ormqr(blas.Right, blas.Trans, q, tau, v, work, len(work))
	}
	return values, vectors, nil
}

// solve replaces v by a multiple of the solution of (T - value I) v' = v. If that matrix is exactly singular, the value
// is shifted by a rounding error of the norm of T.
func solve(diagonal, off []float64, value, norm float64, v []float64) {
	n := len(v)
	for shift := value; ; shift += norm * 0x1p-52 {
		t := lapack64.Tridiagonal{N: n, DL: slices.Clone(off), D: slices.Clone(diagonal), DU: slices.Clone(off)}
		for i := range t.D {
			t.D[i] -= shift
		}
		solution := slices.Clone(v)
		ok := lapack64.Gtsv(blas.NoTrans, t, blas64.General{Rows: n, Cols: 1, Stride: 1, Data: solution})
		if length := math.Sqrt(dot(solution, solution)); ok && length > 0 && !math.IsInf(length, 0) {
			copy(v, solution)
			return
		}
		if norm == 0 { // T is zero: every vector is an eigenvector
			return
		}
	}
}

// orthonormalize removes the components along the first j rows, which are orthonormal, from row j and normalises it to
// length 1. It does so twice: the second round removes what cancellation leaves in the first.
func orthonormalize(rows blas64.General, j int) {
	n := rows.Cols
	v := rows.Data[j*n : (j+1)*n]
	for range 2 {
		scale(v)
		for i := range j {
			u := rows.Data[i*n : (i+1)*n]
			projection := dot(u, v)
			for l := range v {
				v[l] -= projection * u[l]
			}
		}
	}
	scale(v)
}

// scale normalises v to length 1.
func scale(v []float64) {
	blas64.Scal(1/blas64.Nrm2(blas64.Vector{N: len(v), Inc: 1, Data: v}), blas64.Vector{N: len(v), Inc: 1, Data: v})
}

func dot(a, b []float64) float64 {
	return blas64.Dot(blas64.Vector{N: len(a), Inc: 1, Data: a}, blas64.Vector{N: len(b), Inc: 1, Data: b})
}
