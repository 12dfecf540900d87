// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"errors"
	"sync"
)

// ErrReplayed reports a message that was received before.
var ErrReplayed = errors.New("wire: a message with this signature was received before")

// remembered is the number of signatures that are kept, as in Jupyter's own kernels.
const remembered = 1 << 16

// A history holds the last signatures.
type history struct {
	mu    sync.Mutex
	known map[string]bool
	order []string // a ring
	next  int
}

func newHistory() *history { return &history{known: map[string]bool{}} }

// add adds a signature. It reports false if the history has it already.
func (h *history) add(signature []byte) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	text := string(signature)
	if h.known[text] {
		return false
	}
	h.known[text] = true
	if len(h.order) < remembered {
		h.order = append(h.order, text)
		return true
	}
	delete(h.known, h.order[h.next])
	h.order[h.next] = text
	h.next = (h.next + 1) % remembered
	return true
}
