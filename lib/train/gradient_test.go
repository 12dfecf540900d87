// SPDX-License-Identifier: Apache-2.0

package train

import (
	"testing"

	"github.com/lateral-ml/lateral/lib/optim"
)

// A checkpoint from before RMSProp had an option belongs to a run that does not use it.
func TestDescribe(t *testing.T) {
	for want, o := range map[string]optim.Optimizer{
		"optim.RMSProp Alpha=0 Eps=0 WeightDecay=0":               &optim.RMSProp{LR: 1},
		"optim.RMSProp Alpha=0 Eps=0 WeightDecay=0 Unbiased=true": &optim.RMSProp{Unbiased: true},
		"optim.SGD Momentum=0 WeightDecay=0 Nesterov=false":       &optim.SGD{LR: 1},
	} {
		if got := describe(o, true); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
