// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"context"
	"slices"
	"strings"

	"github.com/lateral-ml/lateral/kernelext/internal/cell"
)

// A completion is how far the making of gopls is, by which GoNB completes and
// inspects. It takes minutes and most people who run cells never ask for it, so
// it begins with the first question, in the background.
type completion struct {
	life    context.Context // of the kernel
	begun   bool
	made    bool
	err     error // why it could not be made
	told    bool  // a cell has said that completion is not there yet
	adopted bool  // GoNB has been started again and has found it
}

// prepareGopls begins to make gopls if it is missing, and returns what to tell
// people who ask for help before GoNB has it, "" if GoNB has.
func (k *kernel) prepareGopls() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	switch c := &k.completion; {
	case k.MakeGopls == nil || c.adopted:
		return ""
	case c.err != nil:
		return "Completion and help need gopls, which could not be built.\n\n" + c.err.Error() +
			"\n\nlateral kernel install --completion tries again."
	case c.made:
		return "gopls is built. Completion and help begin when the kernel is started again."
	case !c.begun:
		c.begun = true
		k.logf("building gopls, for completion, in the background")
		go k.makeGopls()
	}
	return "Completion and help are being prepared: gopls is built in the background, once, which takes some minutes. " +
		"Cells run meanwhile."
}

func (k *kernel) makeGopls() {
	err := k.MakeGopls(k.completion.life)
	if k.completion.life.Err() != nil {
		return
	}
	if err != nil {
		k.logf("gopls, for completion: %v", err)
	} else {
		k.logf("gopls, for completion, is built")
	}
	k.mu.Lock()
	k.completion.made, k.completion.err = err == nil, err
	k.mu.Unlock()
	k.awake()
}

// adoptGopls starts GoNB again, between cells, once gopls is made: GoNB looks
// for it only then. It gets back the declarations so far. Where there is more
// that would be lost, such as open widgets, it waits for the next start.
func (k *kernel) adoptGopls(ctx context.Context) {
	k.mu.Lock()
	c := k.child
	due := k.completion.made && !k.completion.adopted && c != nil && len(k.queue) == 0 && len(k.comms) == 0 &&
		!slices.ContainsFunc(k.declared, changesGoNB)
	k.mu.Unlock()
	if !due || ctx.Err() != nil {
		return
	}
	c.Close()
	<-c.gone
	if _, err := k.ready(ctx); err != nil {
		k.logf("%v", err) // the next cell reports it
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.completion.adopted = true
	if k.replayed == nil {
		k.notice = "" // nothing is lost, nothing to tell
	}
}

// changesGoNB tells whether a cell has done to GoNB what a replay does not do again.
func changesGoNB(s source) bool {
	c := cell.Read(s.code)
	for i, command := range c.Commands {
		if strings.HasPrefix(command, "!*") || slices.Contains([]string{"%track", "%untrack"}, c.Name(i)) {
			return true
		}
	}
	return false
}
