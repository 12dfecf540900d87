// SPDX-License-Identifier: Apache-2.0

package train

import "context"

type watchKey struct{}

// Watched returns a context in which [Run] calls watch after each step, besides OnStep. It is for whoever shows the
// progress of a training that is buried in other calls, such as those of a sweep's Do. Runs in several goroutines
// call watch at once, each with an Event of its own, which is reused: copy what must last.
func Watched(ctx context.Context, watch func(*Event)) context.Context {
	return context.WithValue(ctx, watchKey{}, watch)
}
