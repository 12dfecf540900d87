// SPDX-License-Identifier: Apache-2.0

package nn_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/competitive"
	"github.com/lateral-ml/lateral/lib/nn"
	"github.com/lateral-ml/lateral/lib/tensor"
)

func pairs(x *autograd.Var) *autograd.Var { return competitive.LWTA(x, 2) }

func ExampleSummarize() {
	rng := tensor.Stream(1, "weights")
	net := nn.Sequential{nn.NewDense(4, 6, nn.He, rng), nn.Func(pairs), nn.NewDense(6, 3, nn.He, rng)}
	x := tensor.New(8, 4)
	rng.Normal(x.Data(), 0, 1)
	fmt.Print(nn.Summarize(net, x))
	// Output:
	// 51 parameters, 90 FLOPs and 0.3 kB for a sample of shape [4]
	//
	// layer  operation  result  parameters  FLOPs  memory (kB)  active (%)
	// -----  ---------  ------  ----------  -----  -----------  ----------
	//     0  Linear          6          30     48          0.1       100.0
	//        LWTA            6           0      6          0.0        50.0
	//     2  Linear          3          21     36          0.1       100.0
}

// Numbers worked out by hand: a convolution, pooling, a sparse layer, a shared one.
func TestSummarize(t *testing.T) {
	rng := tensor.Stream(1, "weights")
	mask := tensor.New(5, 32)
	for i := range 7 {
		mask.Data()[i*20] = 1
	}
	shared := nn.NewDense(5, 5, nn.He, rng)
	net := nn.Sequential{
		nn.NewConv2D(3, 2, 3, 3, autograd.SamePadding(3, 3), nn.He, rng),
		nn.Func(func(x *autograd.Var) *autograd.Var { return autograd.MaxPool2D(x, autograd.Pool{H: 2, W: 2}) }),
		nn.NewSparseDense(nn.NewDense(32, 5, nn.He, rng), mask), shared, nn.Func(autograd.ReLU), shared,
	}
	s := nn.Summarize(net, tensor.New(2, 3, 8, 8))
	for i, want := range []struct {
		op            string
		params, flops int
	}{
		{"Conv2D", 2*27 + 2, 2 * 128 * 27}, {"MaxPool2D", 0, 32}, {"SparseLinear", 7 + 5, 14}, {"Linear", 30, 50},
		{"ReLU", 0, 5}, {"Linear", 0, 50},
	} {
		if l := s.Layers[i]; l.Op != want.op || l.Params != want.params || l.FLOPs != want.flops {
			t.Errorf("%d: %+v, want %+v", i, l, want)
		}
	}
	if s.Params() != 98 || s.FLOPs() != 6912+32+14+50+5+50 || s.Bytes() != 4*(98+128+32+5+5+5+5) {
		t.Errorf("%d parameters, %d FLOPs, %d bytes", s.Params(), s.FLOPs(), s.Bytes())
	}
	if got := s.Layers[4].Active; !(got >= 0 && got <= 1) || math.IsNaN(got) {
		t.Errorf("active share %v", got)
	}
	for _, form := range []string{s.Text(), s.HTML(), s.Markdown()} {
		if !strings.Contains(form, "SparseLinear") || !strings.Contains(form, "6,912") {
			t.Errorf("no table:\n%s", form)
		}
	}
}
