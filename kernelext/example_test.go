// SPDX-License-Identifier: Apache-2.0

package kernelext_test

import (
	"fmt"
	"os"

	"github.com/lateral-ml/lateral/kernelext"
	"github.com/lateral-ml/lateral/lib/tensor"
)

func ExampleMemo() {
	config := struct{ Terms int }{Terms: 1_000_000}
	sum := kernelext.Memo("harmonic sum", config, func() (float64, error) {
		sum := 0.0
		for i := range config.Terms {
			sum += 1 / float64(i+1)
		}
		return sum, nil
	})
	fmt.Println(sum)
	// The first run prints   memo "harmonic sum": computed in 3 ms, stored (8 B)
	// and every later one    memo "harmonic sum": reused (8 B, computed in 3 ms, 2 h ago)
}

func ExampleShow() {
	kernelext.Show(tensor.From([]float32{1, 2, 3, 6}, 2, 2), kernelext.Markdown("$x^2$"))
	// Output:
	// tensor [2 2], 4 values, from 1 to 6, mean 3
	// 1  2  3  6
	// $x^2$
}

func ExampleVersus() {
	kernelext.Versus("Competing hidden units",
		kernelext.Row{Item: "test error", Document: 1.46, Here: []float64{1.5, 1.6, 1.7}, Unit: "%", Better: kernelext.Lower,
			Samples: 10000, Profile: "500 epochs"},
		kernelext.Row{Item: "with dropout", Document: 1.3, Unit: "%"})
	// Output:
	// Competing hidden units
	//               document  here           seeds  difference ± 2 SE        setting
	// test error    1.46 %    1.60 ± 0.10 %  3      +0.14 ± 0.37 % (agrees)  500 epochs
	// with dropout  1.3 %     –              –      (not run)
}

func ExamplePick() {
	os.Setenv("LATERAL_PROFILE", "quick")
	defer os.Unsetenv("LATERAL_PROFILE")
	fmt.Println(kernelext.Profile(), kernelext.Pick(1, 10, 200), "epochs")
	// Output: quick 1 epochs
}

func ExampleParam() {
	os.Setenv("LATERAL_PARAMS", `{"rate": 0.5}`)
	defer os.Unsetenv("LATERAL_PARAMS")
	fmt.Println(kernelext.Param("rate", 0.1), kernelext.Param("epochs", 5))
	// Output: 0.5 5
}
