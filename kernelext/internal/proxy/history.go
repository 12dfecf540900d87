// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"slices"

	"github.com/lateral-ml/lateral/kernelext/internal/wire"
)

// An entry of the history is a cell that was executed. All belong to session 1:
// nothing is kept when the kernel ends.
type entry struct {
	count int
	code  string
}

// recall answers a history_request.
func (k *kernel) recall(m *wire.Message) wire.HistoryReply {
	var request wire.HistoryRequest
	m.Decode(&request) // one that asks for nothing gets nothing
	k.mu.Lock()
	list := slices.Clone(k.history)
	k.mu.Unlock()

	switch request.Access {
	case "range":
		if request.Session != 0 && request.Session != 1 {
			list = nil
		}
		list = slices.DeleteFunc(list, func(e entry) bool {
			return e.count < request.Start || request.Stop > 0 && e.count >= request.Stop
		})
	case "search":
		list = slices.DeleteFunc(list, func(e entry) bool { return !matches(request.Pattern, e.code) })
		if request.Unique {
			seen := map[string]bool{}
			slices.Reverse(list)
			list = slices.DeleteFunc(list, func(e entry) bool {
				again := seen[e.code]
				seen[e.code] = true
				return again
			})
			slices.Reverse(list)
		}
	case "tail":
	default:
		list = nil
	}
	if request.Access != "range" && request.N > 0 {
		list = list[max(0, len(list)-request.N):]
	}
	reply := wire.HistoryReply{Status: "ok", History: [][3]any{}}
	for _, e := range list {
		var input any = e.code
		if request.Output {
			input = []any{e.code, nil} // GoNB has no results, only displays
		}
		reply.History = append(reply.History, [3]any{1, e.count, input})
	}
	return reply
}

// matches tells whether pattern, in which * is any text and ? any character,
// fits the whole of text.
func matches(pattern, text string) bool {
	p, t := []rune(pattern), []rune(text)
	star, mark, i := -1, 0, 0
	for j := 0; j < len(t); {
		switch {
		case i < len(p) && p[i] == '*':
			star, mark = i, j
			i++
		case i < len(p) && (p[i] == '?' || p[i] == t[j]):
			i++
			j++
		case star >= 0: // let the last star take one character more
			mark++
			i, j = star+1, mark
		default:
			return false
		}
	}
	for i < len(p) && p[i] == '*' {
		i++
	}
	return i == len(p)
}
