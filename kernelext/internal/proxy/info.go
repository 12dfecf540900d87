// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"runtime"
	"strings"

	"github.com/lateral-ml/lateral/kernelext/internal/wire"
)

// info describes the kernel. The Go version is that of this program, which the
// same go command built that builds the cells.
func info() wire.KernelInfo {
	version := strings.TrimPrefix(runtime.Version(), "go")
	return wire.KernelInfo{
		Status:                "ok",
		ProtocolVersion:       wire.Version,
		Implementation:        "lateral",
		ImplementationVersion: "1",
		LanguageInfo: wire.LanguageInfo{
			Name: "go", Version: version, MIMEType: "text/x-go", FileExtension: ".go",
			PygmentsLexer: "go", CodeMirrorMode: "go",
		},
		Banner: "Go " + version + " (Lateral). %% begins the program of a cell; %help lists the magic commands.",
		HelpLinks: []wire.HelpLink{
			{Text: "Go packages", URL: "https://pkg.go.dev/std"},
			{Text: "A tour of Go", URL: "https://go.dev/tour/"},
			{Text: "GoNB", URL: "https://github.com/janpfeifer/gonb"},
		},
	}
}
