// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"context"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/lateral-ml/lateral/kernelext/internal/cell"
	"github.com/lateral-ml/lateral/kernelext/internal/wire"
)

const (
	completeLimit = 2 * time.Second // for a completion, which is of no use later
	inspectLimit  = 8 * time.Second // for an inspection, which somebody waits for
)

// GoNB answers completions and inspections in the same queue as cells, and
// gopls, which it asks, first has to read the module: more than ten seconds on a
// fresh kernel. A question asked then would delay the next cell. So GoNB is
// asked only when gopls is warm, nothing runs and nothing else is being asked.

// complete answers a complete_request.
func (k *kernel) complete(m *wire.Message) wire.CompleteReply {
	reply := wire.CompleteReply{Status: "ok", Matches: []string{}, Metadata: map[string]any{}}
	var request wire.CursorRequest
	if m.Decode(&request) != nil {
		return reply
	}
	code := []rune(request.Code)
	at := min(max(0, request.CursorPos), len(code))
	reply.CursorStart, reply.CursorEnd = at, at
	// A command is there once the sign has a letter behind it.
	if before := cell.Read(string(code[:at]) + "x"); before.Commands[len(before.Lines)-1] != "" {
		k.completeCommand(strings.TrimSuffix(before.Commands[len(before.Lines)-1], "x"), &reply)
		return reply
	}
	ctx, cancel := context.WithTimeout(k.completion.life, completeLimit)
	defer cancel()
	wait := k.prepareGopls()
	if wait == "" {
		var got wire.CompleteReply
		q := questionAt(request.Code, at)
		if k.ask(ctx, m.Header.Type, q, &got) && got.Status == "ok" && len(got.Matches) > 0 {
			reply.Matches = got.Matches
			reply.CursorStart = at - q.codePoints(got.CursorStart)
			return reply
		}
	}
	matches, length := k.offer(ctx, string(code[:at]))
	reply.CursorStart -= length
	var types []map[string]any
	for _, found := range matches {
		reply.Matches = append(reply.Matches, found.text)
		types = append(types,
			map[string]any{"text": found.text, "type": found.kind, "start": reply.CursorStart, "end": at})
	}
	if types != nil {
		reply.Metadata["_jupyter_types_experimental"] = types
	} else if wait != "" {
		k.tellOnce(wait)
	}
	return reply
}

// tellOnce makes the next cell print why completion is not available yet.
func (k *kernel) tellOnce(wait string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.completion.told && k.notice == "" {
		first, _, _ := strings.Cut(wait, "\n")
		k.completion.told, k.notice = true, "["+first+"]"
	}
}

// GoNB's own magics, for completion.
var gonbMagics = []string{
	"%%", "%args", "%autoget", "%capture", "%cd", "%env", "%exec", "%goflags", "%goworkfix", "%help", "%list", "%ls",
	"%main", "%noautoget", "%remove", "%reset", "%rm", "%test", "%track", "%untrack", "%version", "%wasm", "%widgets",
	"%widgets_hb", "%with_inputs", "%with_password", "%%bash", "%%script", "%%sh", "%%writefile",
}

// completeCommand completes the name of a magic, or the last argument of one of
// this kernel's own.
func (k *kernel) completeCommand(line string, reply *wire.CompleteReply) {
	var candidates []string
	word := line[strings.LastIndexAny(line, " \t")+1:]
	if word == line {
		for _, m := range k.Magics {
			candidates = append(candidates, m.Name)
		}
		candidates = append(candidates, gonbMagics...)
	} else if m, args := k.magic(line); m != nil && m.Complete != nil {
		if word == "" {
			args = append(args, "")
		}
		candidates = m.Complete(args)
	}
	for _, c := range candidates {
		if strings.HasPrefix(c, word) && c != word {
			reply.Matches = append(reply.Matches, c)
		}
	}
	reply.CursorStart -= len([]rune(word))
}

// inspect answers an inspect_request.
func (k *kernel) inspect(m *wire.Message) wire.InspectReply {
	reply := wire.InspectReply{Status: "ok", Data: map[string]any{}, Metadata: map[string]any{}}
	var request wire.CursorRequest
	if m.Decode(&request) != nil {
		return reply
	}
	code := []rune(request.Code)
	at := min(max(0, request.CursorPos), len(code))
	c := cell.Read(request.Code)
	if magic, _ := k.magic(c.Commands[strings.Count(string(code[:at]), "\n")]); magic != nil {
		reply.Found = true
		reply.Data["text/plain"] = magic.Usage + "\n\n" + magic.Help
		return reply
	}
	if wait := k.prepareGopls(); wait != "" {
		reply.Found = true
		reply.Data["text/plain"] = wait
		return reply
	}
	ctx, cancel := context.WithTimeout(k.completion.life, inspectLimit)
	defer cancel()
	var got wire.InspectReply
	if !k.ask(ctx, m.Header.Type, questionAt(request.Code, at), &got) {
		k.mu.Lock()
		busy := k.current != nil
		k.mu.Unlock()
		if !busy {
			reply.Found = true
			reply.Data["text/plain"] = "Help is being prepared: gopls reads the module. Ask again in some seconds."
		}
		return reply
	}
	if got.Status == "ok" && len(got.Data) > 0 {
		reply.Found, reply.Data = true, got.Data
		if _, ok := reply.Data["text/plain"]; !ok {
			reply.Data["text/plain"] = plain(reply.Data, got.Metadata)
		}
	}
	return reply
}

// A question is a cell and a place in it, in the form that GoNB gets.
type question struct {
	code   []uint16 // the protocol counts code points, GoNB the units of UTF-16
	cursor int
}

// questionAt returns the question for the cursor before code point at. If the cell
// has statements but no line %%, one is added.
func questionAt(code string, at int) question {
	offset := len(cell.Read(string([]rune(code)[:at])).Code)
	c := cell.Read(code)
	text, position := c.Protected(nil)
	cursor := position(min(offset, len(c.Code)))
	if begin := c.Statement(); begin >= 0 && begin <= strings.Count(c.Code[:min(offset, len(c.Code))], "\n") {
		lines := strings.SplitAfter(text, "\n")
		above := len(strings.Join(lines[:begin], ""))
		text, cursor = text[:above]+"%%\n"+text[above:], cursor+len("%%\n")
	}
	return question{utf16.Encode([]rune(text)), len(utf16.Encode([]rune(text[:cursor])))}
}

// codePoints returns how many code points there are from a place, in units, to the cursor.
func (q question) codePoints(from int) int {
	return len(utf16.Decode(q.code[min(max(0, from), q.cursor):q.cursor]))
}

// ask passes a question on to GoNB and waits for the answer. It is false if GoNB
// should not be asked now, or does not answer before ctx is done.
func (k *kernel) ask(ctx context.Context, kind string, q question, answer any) bool {
	k.mu.Lock()
	c, busy := k.child, k.current != nil || len(k.queue) > 0
	k.mu.Unlock()
	if busy || c == nil || !c.warm.Load() || c.Err() != nil {
		return false
	}
	question := wire.New(k.id, kind, wire.CursorRequest{Code: string(utf16.Decode(q.code)), CursorPos: q.cursor})
	got := make(chan *wire.Message, 1)
	c.mu.Lock()
	if len(c.asked) > 0 {
		c.mu.Unlock()
		return false
	}
	c.asked[question.Header.ID] = got
	c.mu.Unlock()
	forget := func() {
		c.mu.Lock()
		delete(c.asked, question.Header.ID)
		c.mu.Unlock()
	}
	if c.Send(question) != nil {
		forget()
		return false
	}
	select {
	case reply := <-got:
		forget()
		return reply.Decode(answer) == nil
	case <-c.gone:
		return false
	case <-ctx.Done():
		go func() { // GoNB is still at it, so nothing else is asked
			select {
			case <-got:
			case <-c.gone:
			}
			forget()
		}()
		return false
	}
}

// watchGopls waits until gopls has read the module, which shows in its taking no
// more processor time.
func (c *child) watchGopls() {
	const (
		step  = 500 * time.Millisecond
		quiet = 50 * time.Millisecond // of processor time in a step
	)
	last, calm, missing := time.Duration(-1), 0, 0
	for calm < 3 && missing < 10 {
		select {
		case <-c.gone:
			return
		case <-time.After(step):
		}
		used, ok := time.Duration(0), false
		for _, p := range c.Processes() {
			if p.Name == gopls {
				used, ok = processorTime(p.PID)
			}
		}
		switch {
		case !ok: // not started, or not installed
			missing++
		case last >= 0 && used-last < quiet:
			calm++
		default:
			calm = 0
		}
		last = used
	}
	c.warm.Store(true)
}
