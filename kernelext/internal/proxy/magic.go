// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/lateral-ml/lateral/kernelext/internal/cell"
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

// magic returns the magic that a command calls, and its arguments.
func (k *kernel) magic(command string) (*Magic, []string) {
	words := strings.Fields(command)
	for i := range k.Magics {
		if len(words) > 0 && words[0] == k.Magics[i].Name {
			return &k.Magics[i], words[1:]
		}
	}
	return nil, nil
}

// check finds errors before any part of the cell runs: faults of its text, unknown
// commands, and duplicate declarations, of which GoNB would silently drop one.
func (k *kernel) check(c *cell.Cell) *failure {
	for i, command := range c.Commands {
		name := c.Name(i)
		m, _ := k.magic(command)
		known := m != nil || c.Script || slices.Contains(gonbMagics, name)
		if !known && strings.HasPrefix(name, "%") && name != "%" { // % alone is a fault
			return failedIn(c, i+1, "MagicError", name+" is no command: %help lists them")
		}
	}
	if f := c.Fault; f != nil {
		return failedIn(c, f.Line, "CompileError", f.Message)
	}
	if again, first, ok := c.Redeclared(); ok {
		f := failedIn(c, again.Line, "CompileError", again.Name+" redeclared in this block")
		if again.Name == "init" {
			f.Message = "a cell has one func init: call others init_ and a name of their own, such as init_random"
		}
		f.Detail = fmt.Sprintf("line %d: other declaration of %s\n  %4d | %s",
			first.Line, first.Name, first.Line, c.Lines[first.Line-1])
		return f
	}
	return nil
}

// failedIn is a failure in a line of the cell that runs.
func failedIn(c *cell.Cell, line int, name, message string) *failure {
	return &failure{Name: name, Failure: wire.Failure{Line: line, Source: c.Lines[line-1], Message: message}}
}

// runMagics runs the commands of a cell that are this kernel's and returns which
// lines they are in.
func (k *kernel) runMagics(ctx context.Context, request *wire.Message, c *cell.Cell) (map[int]bool, *failure) {
	done := map[int]bool{}
	for i, command := range c.Commands {
		if command == "%help" {
			k.help(request) // and GoNB's own below it
			continue
		}
		m, args := k.magic(command)
		if m == nil {
			continue
		}
		err := m.Run(ctx, &Call{Args: args, kernel: k, request: request})
		switch {
		case ctx.Err() != nil:
			return nil, failedIn(c, i+1, "Interrupted", "interrupted")
		case err != nil:
			return nil, failedIn(c, i+1, "MagicError", err.Error())
		}
		done[i] = true
	}
	return done, nil
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
