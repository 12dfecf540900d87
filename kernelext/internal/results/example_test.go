// SPDX-License-Identifier: Apache-2.0

package results_test

import (
	"fmt"

	"github.com/lateral-ml/lateral/kernelext/internal/results"
)

func ExamplePage() {
	difference := 0.07
	fmt.Print(results.Page([]results.Row{{Notebook: "04_units.ipynb", Source: "KH19", Item: "error",
		Document: 1.46, Here: 1.53, Difference: &difference, Bound: 0.34, Verdict: "agrees", Unit: "%",
		Data: "MNIST"}}, nil))
	// Output:
	// # Results
	//
	// Every comparison in the notebooks: a document's value beside the one measured here, with its standard deviation over
	// seeds. The difference has an interval of two standard errors, from the spread over seeds and, for shares of test
	// samples, their number. Within it the two values agree; outside it, one is better. Where settings differ too much,
	// the values are not comparable. `lateral results` writes this page from the executed notebooks; a test fails
	// when they disagree.
	//
	// | document | item | document's value | here | difference ± 2 SE | seeds | data, setting | notebook |
	// | --- | --- | --- | --- | --- | --- | --- | --- |
	// | KH19 | error | 1.46 % | 1.53 % | +0.07 ± 0.34 % (agrees) | – | MNIST | [04_units](04_units.ipynb) |
}
