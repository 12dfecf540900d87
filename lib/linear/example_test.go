// SPDX-License-Identifier: Apache-2.0

package linear_test

import (
	"context"
	"fmt"

	"github.com/lateral-ml/lateral/lib/linear"
	"github.com/lateral-ml/lateral/lib/tensor"
)

// Which of three inputs is large tells the class.
func Example() {
	rng := tensor.Stream(1, "example")
	x, y := tensor.New(300, 3), make([]int, 300)
	rng.Uniform(x.Data(), 0, 1)
	for i := range y {
		y[i] = i % 3
		x.Row(i)[y[i]] += 0.6
	}
	train, test := linear.Dense(x.Slice(0, 200)), linear.Dense(x.Slice(200, 300))
	classifier, scores, err := linear.Config{}.Search(
		context.Background(), train, y[:200], []float64{0.001, 0.03, 1}, 5, 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, s := range scores {
		fmt.Printf("C %g: error %.3f ± %.3f\n", s.C, s.Mean, s.SE)
	}
	fmt.Printf("C %g: test error %.2f\n", classifier.C, classifier.Error(test, y[200:]))

	_, err = linear.Config{C: 1}.Fit(context.Background(), train, make([]int, 200))
	fmt.Println(err)
	// Output:
	// C 0.001: error 0.170 ± 0.029
	// C 0.03: error 0.170 ± 0.022
	// C 1: error 0.170 ± 0.029
	// C 0.001: test error 0.21
	// linear: all 200 samples are of class 0: want at least two classes
}
