// SPDX-License-Identifier: Apache-2.0

// Package toolchain builds the programs behind a Go notebook, at the versions
// this module pins, with nothing but the Go command: the GoNB kernel, goimports
// (which GoNB runs on every cell) and gopls (completion in a front end).
// They are kept in the user's cache directory and built once for each version.
package toolchain

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/lateral-ml/lateral/lib/durable"
)

const (
	gonb      = "github.com/janpfeifer/gonb"
	goimports = "golang.org/x/tools/cmd/goimports"
	gopls     = "golang.org/x/tools/gopls"
)

// Go is the Go command's view of this machine.
type Go struct {
	Version  string `json:"GOVERSION"`
	OS       string `json:"GOOS"`
	Arch     string `json:"GOARCH"`
	Root     string `json:"GOROOT"`
	ModCache string `json:"GOMODCACHE"`
	Cache    string `json:"GOCACHE"`
	Flags    string `json:"GOFLAGS"`
	Proxy    string `json:"GOPROXY"`
	Cgo      string `json:"CGO_ENABLED"`
}

// Tools are built programs.
type Tools struct {
	Dir    string // holds the programs
	Module string // root of the module they were built from
	Go     Go
}

// GoNB returns the path of the kernel.
func (t Tools) GoNB() string { return filepath.Join(t.Dir, "gonb") }

// Goimports returns the path of goimports, which adds the imports that a cell lacks.
func (t Tools) Goimports() string { return filepath.Join(t.Dir, "goimports") }

// Gopls returns the path of gopls, which only [Tools.BuildGopls] makes. It has a directory of its own: GoNB starts it
// where it finds it, and without a front end it would compute for nobody.
func (t Tools) Gopls() string { return filepath.Join(t.Dir, "completion", "gopls") }

// AskGo asks the Go command about this machine, as seen from the module.
func AskGo(ctx context.Context, module string) (Go, error) {
	var g Go
	out, err := run(ctx, module, "env", "-json")
	if err != nil {
		if errors.Is(err, exec.ErrNotFound) {
			return g, errors.New("toolchain: the go command is not on PATH: install Go 1.26 from https://go.dev/dl/")
		}
		return g, err
	}
	if err := json.Unmarshal(out, &g); err != nil {
		return g, fmt.Errorf("toolchain: go env: %w", err)
	}
	return g, nil
}

// Locate returns where the tools of the module at root are, built or not.
func Locate(ctx context.Context, root string) (Tools, error) {
	t := Tools{Module: root}
	var err error
	if t.Go, err = AskGo(ctx, root); err != nil {
		return t, err
	}
	out, err := run(ctx, root, "list", "-m", "-f", "{{.Version}}", gonb, "golang.org/x/tools")
	if err != nil {
		return t, err
	}
	versions := strings.Fields(string(out))
	if len(versions) != 2 {
		return t, fmt.Errorf("toolchain: %s does not pin %s and golang.org/x/tools", filepath.Join(root, "go.mod"), gonb)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return t, fmt.Errorf("toolchain: no place for the kernel: %w", err)
	}
	parts := []string{"gonb", versions[0], changesKey(), "tools", versions[1], t.Go.Version, t.Go.OS, t.Go.Arch}
	key := strings.Join(parts, "-")
	t.Dir = filepath.Join(cache, "lateral", "bin", key)
	return t, nil
}

// Built reports whether the kernel and goimports are there.
func (t Tools) Built() bool {
	for _, name := range []string{"gonb", "goimports"} {
		if _, err := os.Stat(filepath.Join(t.Dir, name)); err != nil {
			return false
		}
	}
	return true
}

// Build makes the kernel and goimports, unless they are there.
func (t Tools) Build(ctx context.Context) error {
	if t.Built() {
		return nil
	}
	return t.buildGoNB(ctx)
}

// HasGopls reports whether gopls is there.
func (t Tools) HasGopls() bool {
	_, err := os.Stat(t.Gopls())
	return err == nil
}

// BuildGopls makes gopls, unless it is there. It is pinned by a module of its
// own, so that its requirements do not become those of everyone who imports
// this module.
func (t Tools) BuildGopls(ctx context.Context) error {
	if t.HasGopls() {
		return nil
	}
	return install(ctx, filepath.Join(t.Module, "kernelext", "tools", "gopls"), filepath.Dir(t.Gopls()), gopls)
}

// BuildCommand makes the lateral command of this checkout where Jupyter can
// start it, up to date with its sources, and returns where. One that runs
// already keeps the file it was started from.
func (t Tools) BuildCommand(ctx context.Context) (string, error) {
	sum := sha256.Sum256([]byte(t.Module))
	dir := filepath.Join(t.Dir, "command-"+hex.EncodeToString(sum[:4]))
	err := install(ctx, t.Module, dir, modulePath+"/kernelext/cmd/lateral")
	return filepath.Join(dir, "lateral"), err
}

// install builds packages in module and moves the programs to dir, each
// complete or not at all. Flags may come before the packages.
func install(ctx context.Context, module, dir string, packages ...string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("toolchain: %w", err)
	}
	temporary, err := durable.MakeTempDir(dir, ".building-")
	if err != nil {
		return fmt.Errorf("toolchain: %w", err)
	}
	defer temporary.Remove()
	building := filepath.Join(temporary.Path, "bin")
	args := append([]string{"build", "-o", building + string(filepath.Separator)}, packages...)
	if _, err := run(ctx, module, args...); err != nil {
		return err
	}
	programs, err := os.ReadDir(building)
	if err != nil {
		return fmt.Errorf("toolchain: %w", err)
	}
	for _, program := range programs {
		if err := os.Rename(filepath.Join(building, program.Name()), filepath.Join(dir, program.Name())); err != nil {
			return fmt.Errorf("toolchain: %w", err)
		}
	}
	return nil
}

// Warm compiles packages into the build cache, so that the first cell that
// imports them need not.
func (t Tools) Warm(ctx context.Context, packages []string) error {
	if len(packages) == 0 {
		return nil
	}
	_, err := run(ctx, t.Module, append([]string{"build"}, packages...)...)
	return err
}

// PackageDir returns the directory of a package that cells may import.
func (t Tools) PackageDir(ctx context.Context, path string) (string, error) {
	dir, err := run(ctx, t.Module, "list", "-e", "-find", "-f", "{{.Dir}}", "--", path)
	if err == nil && len(bytes.TrimSpace(dir)) == 0 {
		err = fmt.Errorf("toolchain: there is no package %s", path)
	}
	return string(bytes.TrimSpace(dir)), err
}

type yielding struct{}

// Yielding has the Go commands of ctx leave the processor to whatever else wants
// it, as is right for a build that nobody waits for.
func Yielding(ctx context.Context) context.Context { return context.WithValue(ctx, yielding{}, true) }

// run runs the Go command in dir, where neither a workspace file nor -mod=mod
// of the user's may change what the module pins.
func run(ctx context.Context, dir string, args ...string) ([]byte, error) {
	command := []string{"go"}
	if nice, err := exec.LookPath("nice"); err == nil && ctx.Value(yielding{}) != nil {
		command = []string{nice, "-n", "15", "go"}
	}
	command = append(command, args...)
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off")
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // it removes its temporary files
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		said := errs.String()
		return nil, fmt.Errorf("toolchain: go %s: %w\n%s%s", args[0], err, strings.TrimSpace(said), remedy(said))
	}
	return out.Bytes(), nil
}

// remedy adds what to do about the failures that fresh machines show.
func remedy(message string) string {
	has := func(parts ...string) bool {
		for _, part := range parts {
			if strings.Contains(message, part) {
				return true
			}
		}
		return false
	}
	switch {
	case has("no space left on device"):
		return "\nThe disk is full: free about 2 GB, for instance with go clean -cache."
	case has("proxyconnect", "403 Forbidden", "407 Proxy"):
		return "\nThe proxy refused the download: check HTTPS_PROXY and GOPROXY (go env GOPROXY)."
	case has("dial tcp", "no such host", "i/o timeout", "module lookup disabled"):
		return "\nModules are missing and cannot be downloaded: connect once and run go mod download in the module, " +
			"or set GOPROXY to a mirror that is reachable."
	}
	return ""
}
