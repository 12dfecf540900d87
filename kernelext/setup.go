// SPDX-License-Identifier: Apache-2.0

package kernelext

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/janpfeifer/gonb/gonbui/protocol"
)

// Setup belongs in a notebook's first cell. It prints the provenance: profile, data, further facts, and the
// versions of the library and of Go. data says which data set the notebook found, in words for people; [Versus]
// tables of the same kernel session name it.
//
//	train, test, err := dataset.Digits(1)
//	...
//	kernelext.Setup(train.Name)
func Setup(data string, facts ...string) {
	if err := rememberData(data); err != nil {
		fmt.Fprintf(os.Stderr, "kernelext: Setup: tables will not name the data: %v\n", err)
	}
	parts := []string{"profile " + Profile()}
	if data != "" {
		parts = append(parts, "data "+data)
	}
	parts = append(parts, facts...)
	parts = append(parts, "lateral "+Version(), runtime.Version(),
		fmt.Sprintf("%s/%s", runtime.GOOS, runtime.GOARCH), fmt.Sprintf("%d cores", runtime.GOMAXPROCS(0)))
	fmt.Println(joined(parts, 80))
}

// joined writes parts in lines of at most width characters, where a part fits.
func joined(parts []string, width int) string {
	line, text := parts[0], ""
	for _, part := range parts[1:] {
		if utf8.RuneCountInString(line+" · "+part) > width {
			text, line = text+line+"\n", part
			continue
		}
		line += " · " + part
	}
	return text + line
}

const modulePath = "github.com/lateral-ml/lateral"

// Version returns the version of this library: its module version, or "devel" for a working copy.
func Version() string { return version() }

var version = sync.OnceValue(func() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "devel"
	}
	for _, m := range append(info.Deps, &info.Main) {
		if m.Path == modulePath && m.Version != "" && m.Version != "(devel)" && !strings.Contains(m.Version, "+dirty") {
			return m.Version
		}
	}
	return "devel"
})

// A cell is a process, so what Setup learnt travels to later cells in a file in the kernel's own temporary directory,
// which goes when the kernel does.
func sessionFile() string {
	dir := os.Getenv(protocol.GONB_TMP_DIR_ENV)
	if dir == "" || !inNotebook {
		return ""
	}
	return filepath.Join(dir, "lateral-session.json")
}

type session struct {
	Data    string `json:"data"`
	Charts  string `json:"charts,omitempty"` // key of the view that brings the script of all interactive views
	brought bool   // this cell has brought it
}

// current is the session of this process.
var current session

// recall reads what earlier cells of the kernel session have left.
func (s *session) recall() {
	if path := sessionFile(); path != "" {
		if b, err := os.ReadFile(path); err == nil {
			_ = json.Unmarshal(b, s) // a file that cannot be read says nothing
		}
	}
}

func (s *session) keep() error {
	path := sessionFile()
	if path == "" {
		return nil
	}
	b, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return os.WriteFile(path, b, 0o600)
}

func rememberData(data string) error {
	current.recall()
	current.Data = data
	return current.keep()
}

// sessionData returns the data set named by Setup, "" if there was none.
func sessionData() string {
	if current.Data == "" {
		current.recall()
	}
	return current.Data
}
