// SPDX-License-Identifier: Apache-2.0

package autograd

// FewLive reports whether the gradients of y, a result of Conv2D, were computed from the live positions alone.
func FewLive(y *Var) bool { return y.operation.(*convOp).live.few }
