// SPDX-License-Identifier: Apache-2.0

package competitive

import "github.com/lateral-ml/lateral/lib/autograd"

// Settings returns the size of a block, an int; see [autograd.Configured].
func (op *blocks) Settings(*autograd.Var) any { return op.block }

// Settings returns the number of winners of a sample, an int; see [autograd.Configured].
func (op *kwtaOp) Settings(*autograd.Var) any { return op.k }
