// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/lateral-ml/lateral/kernelext/internal/wire"
)

// A Magic is a command that a line of a cell can give to this kernel. Such lines
// run before the cell's Go, as GoNB's own magics do.
type Magic struct {
	Name     string                       // with the sign: "%memo"
	Usage    string                       // "%memo [forget NAME]"
	Help     string                       // one line
	Complete func(args []string) []string // what the last of args may become; may be nil
	Run      func(ctx context.Context, c *Call) error
}

// A Call is one use of a [Magic].
type Call struct {
	Args []string

	kernel  *kernel
	request *wire.Message
}

// Write shows text as printed by the cell.
func (c *Call) Write(b []byte) (int, error) {
	c.kernel.show(c.request, "stream", wire.Stream{Name: "stdout", Text: string(b)})
	return len(b), nil
}

// Display shows data, a value per MIME type, among them text/plain.
func (c *Call) Display(data map[string]any) {
	c.kernel.show(c.request, "display_data", wire.Display{Data: data, Metadata: map[string]any{}})
}

// Setenv sets an environment variable of all later cells.
func (c *Call) Setenv(name, value string) error {
	k := c.kernel
	k.mu.Lock()
	k.env[name] = value
	child := k.child
	k.mu.Unlock()
	if child == nil || child.Err() != nil {
		return nil // the next one starts with it
	}
	return k.silently(child, setenv(name, value))
}

// setenv is GoNB's command that sets a variable.
func setenv(name, value string) string {
	return fmt.Sprintf(`%%env %s "%s"`, name, strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(value))
}

// magic returns the magic that a line calls, and its arguments.
func (k *kernel) magic(line string) (*Magic, []string) {
	text, ok := command(line)
	if !ok {
		return nil, nil
	}
	words := strings.Fields(text)
	for i := range k.Magics {
		if len(words) > 0 && words[0] == k.Magics[i].Name {
			return &k.Magics[i], words[1:]
		}
	}
	return nil, nil
}

// runMagics runs the lines of a cell that are this kernel's commands and
// returns what is left, with the same line numbers.
func (k *kernel) runMagics(ctx context.Context, request *wire.Message, code string) (rest string, failed *failure) {
	if isScript(code) {
		return code, nil
	}
	lines := strings.Split(code, "\n")
	for i, line := range lines {
		if text, ok := command(line); ok && strings.TrimSpace(text) == "%help" {
			k.help(request) // and GoNB's own below it
			continue
		}
		m, args := k.magic(line)
		if m == nil {
			if name := unknownMagic(line); name != "" {
				return "", &failure{Name: "MagicError", Failure: wire.Failure{Line: i + 1, Source: line, Message: name + " is no command: %help lists them"}}
			}
			continue
		}
		err := m.Run(ctx, &Call{Args: args, kernel: k, request: request})
		if ctx.Err() != nil {
			return "", &failure{Name: "Interrupted", Failure: wire.Failure{Line: i + 1, Source: line, Message: "interrupted"}}
		}
		if err != nil {
			return "", &failure{Name: "MagicError", Failure: wire.Failure{Line: i + 1, Source: line, Message: err.Error()}}
		}
		lines[i] = ""
	}
	return strings.Join(lines, "\n"), nil
}

// unknownMagic returns the name of a command that neither this kernel nor GoNB
// knows, "" if line has none.
func unknownMagic(line string) string {
	text, ok := command(line)
	if !ok || text[0] != '%' {
		return ""
	}
	name := strings.Fields(text)[0]
	if name == "%" || strings.HasPrefix(name, "%%") || slices.Contains(gonbMagics, name) {
		return ""
	}
	return name
}

// help shows this kernel's magics.
func (k *kernel) help(request *wire.Message) {
	var text, markdown strings.Builder
	markdown.WriteString("### Commands of this kernel\n\n")
	for _, m := range k.Magics {
		fmt.Fprintf(&text, "%-44s %s\n", m.Usage, m.Help)
		fmt.Fprintf(&markdown, "- `%s`: %s\n", m.Usage, m.Help)
	}
	markdown.WriteString("\n### GoNB's own\n")
	k.show(request, "display_data", wire.Display{
		Data:     map[string]any{"text/markdown": markdown.String(), "text/plain": text.String()},
		Metadata: map[string]any{},
	})
}
