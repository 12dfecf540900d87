// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"

	"github.com/lateral-ml/lateral/lib/internal/simd"
)

// precisions is the mode -precision of the command: the time of matrix products and training steps on one core, in each
// precision of LATERAL_MATMUL. All are measured in turn, and each by the least processor time of a batch, since
// disturbances only add time.
func (s *session) precisions(ctx context.Context, w io.Writer) error {
	list := []item{}
	for _, n := range []int{32, 64, 128, 256, 512, 1024} {
		list = append(list, precisionItem(n, n, n))
	}
	for _, batch := range []int{1, 10, 100, 1000} {
		list = append(list, precisionItem(batch, 128, 784), precisionItem(batch, 1000, 1000))
	}
	list = append(list, precisionItem(128, 784, 100), precisionItem(100, 784, 128), precisionItem(100, 10, 128))
	for _, it := range items() {
		if slices.Contains([]string{"mlp128_step", "mlp2000_step", "cnn3_step", "cnn7_step", "drmm_step"}, it.name) {
			list = append(list, it)
		}
	}
	defer simd.SetMatmul(simd.Matmul())
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	all := []simd.Precision{simd.Float32, simd.BF16, simd.BF16x3}
	fmt.Fprintf(w, "Matrix products and training steps in several precisions, on one core. %s.\n\n", machine())
	fmt.Fprint(w, "| item | float32 | bf16 | ratio | bf16x3 | ratio |\n| --- | --: | --: | --: | --: | --: |\n")
	for _, it := range list {
		var watches []*stopwatch
		for _, p := range all {
			dir, err := os.MkdirTemp(s.dir, "precision-")
			if err != nil {
				return err
			}
			simd.SetMatmul(p)
			run, err := it.setup(1, dir)
			if err != nil {
				return err
			}
			watch := &stopwatch{run: run, now: processorTime}
			watch.warmUp(s.time / 10)
			watches = append(watches, watch)
		}
		fastest := make([]float64, len(all))
		for range 3 * rounds {
			if err := ctx.Err(); err != nil {
				return err
			}
			for i, p := range all {
				simd.SetMatmul(p)
				t := slices.Min(watches[i].measure(s.time / (3 * rounds)))
				if fastest[i] == 0 || t < fastest[i] {
					fastest[i] = t
				}
			}
		}
		fmt.Fprintf(w, "| %s | %s | %s | %.2f | %s | %.2f |\n", it.name, seconds(fastest[0]),
			seconds(fastest[1]), fastest[0]/fastest[1], seconds(fastest[2]), fastest[0]/fastest[2])
	}
	return nil
}

// precisionItem is the product x·wᵀ of a layer of n units with k inputs, for m samples.
func precisionItem(m, n, k int) item {
	return item{name: fmt.Sprintf("%d x %d x %d", m, n, k), setup: ready(func(int) func() {
		o := matrixProduct{"NT", m, n, k}.bind()
		return func() { simd.Gemm(false, true, m, n, k, o.a, o.lda, o.b, o.ldb, o.c, n, false) }
	})}
}
