// SPDX-License-Identifier: Apache-2.0

package train

import "context"

type watchKey struct{}

// Watched returns a context in which [Run] calls watch after each step, in addition to OnStep. It serves programs that
// show the progress of a training deep inside other calls, such as those of a sweep's Do. Runs in several goroutines
// call watch concurrently, each with its own Event, which is reused: copy what must last.
func Watched(ctx context.Context, watch func(*Event)) context.Context {
	return context.WithValue(ctx, watchKey{}, watch)
}
