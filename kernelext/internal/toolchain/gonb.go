// SPDX-License-Identifier: Apache-2.0

package toolchain

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lateral-ml/lateral/lib/durable"
)

// GoNB is built with a few changes for which it has no settings:
//
//   - Characters are not split at the end of a read.
//   - A cell ends when its program ends, even if a background process still holds the output open.
//   - Standard input comes from the kernel, or is at its end.
//   - A request to gopls takes two seconds at most, because cells wait for it.
//   - What a program asks for is noted before the request is sent, so that an answer that comes at once is not lost.
//   - Several blank imports (import _) are kept; GoNB would keep the last one.
//
// The changes are made to a copy of the pinned module: a file is added, and a few expressions are replaced.

//go:embed _gonb/jpyexec.go
var jpyexec string

// An edit replaces text that occurs exactly once in a file of GoNB.
type edit struct{ file, from, to string }

const (
	running  = "internal/jpyexec/jpyexec.go"
	asking   = "internal/goexec/goplsclient/conn.go"
	imported = "internal/goexec/parser.go"
	messages = "internal/kernel/messages.go"
)

var edits = []edit{
	{running, "io.Copy(exec.stdoutWriter, exec.cmdStdout)", "copyText(exec.stdoutWriter, exec.cmdStdout)"},
	{running, "io.Copy(exec.stderrWriter, exec.cmdStderr)", "copyText(exec.stderrWriter, exec.cmdStderr)"},
	{running, "= cmd.StdinPipe()", "= exec.openStdin()"},
	{running, "\tstreamersWG.Wait()\n\tif err := cmd.Wait(); err", "\tif err := exec.wait(&streamersWG); err"},
	{asking, "CommunicationTimeout = 8000 * time.Millisecond", "CommunicationTimeout = 2000 * time.Millisecond"},
	{messages, "\tm.kernel.stdinMsg = m\n\tm.kernel.stdinFn = onInput\n", ""},
	{messages, "\terr = m.kernel.sockets.StdinSocket.RunLocked(\n",
		"\tm.kernel.stdinMsg, m.kernel.stdinFn = m, onInput\n\terr = m.kernel.sockets.StdinSocket.RunLocked(\n"},
	{imported, "\tkey := alias\n", "\tkey := alias\n\tif alias == \"_\" {\n\t\tkey = \"_~\" + importPath\n\t}\n"},
}

// added are the files that GoNB gets.
var added = map[string]string{"internal/jpyexec/lateral.go": jpyexec}

// changesKey identifies the changes, for the name of a directory.
func changesKey() string {
	sum := sha256.Sum256(fmt.Append(nil, edits, added))
	return hex.EncodeToString(sum[:4])
}

// copyGoNB copies what GoNB is built from, from its module in one directory to another, with the changes.
func copyGoNB(source, dir string) error {
	names, err := filepath.Glob(filepath.Join(source, "*"))
	for _, name := range names {
		to := filepath.Join(dir, filepath.Base(name))
		if info, statErr := os.Stat(name); statErr != nil || !info.IsDir() {
			err = errors.Join(err, copyFile(name, to))
		} else if !slices.Contains([]string{"docs", "examples"}, filepath.Base(name)) { // 64 MB of pictures
			err = errors.Join(err, os.CopyFS(to, os.DirFS(name)))
		}
	}
	if err != nil {
		return fmt.Errorf("toolchain: the source of GoNB: %w", err)
	}
	for _, e := range edits {
		path := filepath.Join(dir, filepath.FromSlash(e.file))
		text, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("toolchain: the source of GoNB: %w", err)
		}
		if n := bytes.Count(text, []byte(e.from)); n != 1 {
			return fmt.Errorf("toolchain: %s of %s has %q %d times: the changes are made for another version of GoNB",
				e.file, source, e.from, n)
		}
		if err := os.WriteFile(path, bytes.Replace(text, []byte(e.from), []byte(e.to), 1), 0o600); err != nil {
			return fmt.Errorf("toolchain: %w", err)
		}
	}
	for file, text := range added {
		if err := os.WriteFile(filepath.Join(dir, filepath.FromSlash(file)), []byte(text), 0o600); err != nil {
			return fmt.Errorf("toolchain: %w", err)
		}
	}
	return nil
}

func copyFile(from, to string) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, text, 0o600)
}

// buildGoNB makes GoNB and goimports in t.Dir.
func (t Tools) buildGoNB(ctx context.Context) error {
	if _, err := run(ctx, t.Module, "mod", "download", gonb); err != nil {
		return err
	}
	original, err := run(ctx, t.Module, "list", "-m", "-f", "{{.Dir}}", gonb)
	if err != nil {
		return err
	}
	temporary, err := durable.MakeTempDir("", "gonb-source-")
	if err != nil {
		return fmt.Errorf("toolchain: %w", err)
	}
	defer temporary.Remove()
	dir := temporary.Path
	changed := filepath.Join(dir, "gonb")
	if err := os.Mkdir(changed, 0o700); err != nil {
		return fmt.Errorf("toolchain: %w", err)
	}
	if err := copyGoNB(strings.TrimSpace(string(original)), changed); err != nil {
		return err
	}
	// The module's own go.mod, but for where GoNB is.
	for _, name := range []string{"go.mod", "go.sum"} {
		if err := copyFile(filepath.Join(t.Module, name), filepath.Join(dir, name)); err != nil {
			return fmt.Errorf("toolchain: %w", err)
		}
	}
	modfile := filepath.Join(dir, "go.mod")
	if _, err := run(ctx, dir, "mod", "edit", "-replace="+gonb+"="+changed, modfile); err != nil {
		return err
	}
	return install(ctx, t.Module, t.Dir, "-modfile="+modfile, gonb, goimports)
}
