// SPDX-License-Identifier: Apache-2.0

package results_test

import (
	"fmt"

	"github.com/lateral-ml/lateral/kernelext/internal/results"
)

func ExampleTable() {
	difference := 0.07
	fmt.Print(results.Table([]results.Row{{Notebook: "04_units.ipynb", Source: "Competing hidden units", Item: "test error",
		Document: 1.46, Here: 1.53, Difference: &difference, Unit: "%", Seeds: 3, Data: "MNIST", Profile: "standard"}}))
	// Output:
	// | document | item | document's value | here | difference | seeds | data, profile | notebook |
	// | --- | --- | --- | --- | --- | --- | --- | --- |
	// | Competing hidden units | test error | 1.46 % | 1.53 % | +0.070 % | 3 | MNIST, standard | [04_units](notebooks/04_units.ipynb) |
}
