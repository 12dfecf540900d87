// SPDX-License-Identifier: Apache-2.0

package kernelext

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
)

// ErrInterrupted is the cause of the context that Interrupted returns, once the stop button was pressed.
var ErrInterrupted = errors.New("interrupted")

// Interrupted returns a context that is cancelled when the stop button is pressed (SIGINT, Ctrl-C in a terminal).
// A training loop that looks at it can save its state and end with what it has. The kernel kills the cell five
// seconds after the signal, so saving should take no more than three. A second signal ends the process at once.
//
// Before the first call a signal ends the process as usual.
func Interrupted() context.Context { return interrupted() }

var interrupted = sync.OnceValue(func() context.Context {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt)
	listening.Store(&ctx)
	go func() {
		<-signals
		signal.Stop(signals)
		cancel(ErrInterrupted)
	}()
	return ctx
})

// listening is the context that Interrupted returns, nil before its first call.
var listening atomic.Pointer[context.Context]

// wasInterrupted tells whether the stop button was pressed and the cell carries on to end by itself.
func wasInterrupted() bool {
	ctx := listening.Load()
	return ctx != nil && (*ctx).Err() != nil
}
