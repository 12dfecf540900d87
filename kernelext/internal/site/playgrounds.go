// SPDX-License-Identifier: Apache-2.0

package site

import (
	"bytes"
	"compress/gzip"
	"context"
	"embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/lateral-ml/lateral/kernelext/internal/playground"
	"github.com/lateral-ml/lateral/kernelext/internal/playground/data"
)

//go:embed page
var pageFiles embed.FS

// pageFile returns a file of the folder page.
func pageFile(name string) string {
	content, err := pageFiles.ReadFile("page/" + name)
	if err != nil {
		panic("site: " + err.Error())
	}
	return string(content)
}

// Limits of what a reader loads, in bytes.
const (
	MaxProgram = 2_000_000 // the program of the playgrounds, compressed
	MaxData    = 500_000   // each of their data files
)

// playgrounds writes the pages of the playgrounds, the program that they share and their data. Programs and data are
// scripts that hold them in base64, because a page opened from a disk may load scripts and nothing else.
func (s *Site) playgrounds(ctx context.Context) error {
	program, err := s.program(ctx)
	if err != nil {
		return err
	}
	start, err := os.ReadFile(filepath.Join(s.GoRoot, "lib", "wasm", "wasm_exec.js"))
	if err != nil {
		return fmt.Errorf("site: the Go installation lacks the script that starts programs in a browser: %w", err)
	}
	demos, err := json.Marshal(playground.Demos())
	if err != nil {
		return err
	}
	// A function of its own keeps the names of the script apart from those of the page.
	s.put("playground/program.js", append(append([]byte("(() => {\n"), start...), "\nwindow.Go = globalThis.Go;\n})();\n"+
		"window.lateralWasm = \""+base64.StdEncoding.EncodeToString(program)+"\";\n"...))
	s.put("playground/playground.js", []byte("window.lateralDemos = "+string(demos)+";\n"+pageFile("playground.js")))
	for _, demo := range playground.Demos() {
		p := Page{Title: demo.Title, Up: "../", At: "playground/" + demo.Name + ".html", Part: "playground"}
		for _, name := range demo.Files {
			content, err := data.Files.ReadFile(name)
			if err != nil {
				return fmt.Errorf("site: %w", err)
			}
			s.put("playground/"+name+".js", fmt.Appendf(nil, "(window.lateralFiles ??= {})[%q] = %q;\n", name,
				base64.StdEncoding.EncodeToString(content)))
			p.Scripts = append(p.Scripts, name+".js")
		}
		p.Scripts = append(p.Scripts, "program.js", "playground.js")
		still, size, err := s.still(demo.Name)
		if err != nil {
			return err
		}
		if p.Body, err = fill("playground.html", map[string]any{"Demo": demo, "Still": still, "Size": size,
			"Notebook": s.titleOf(demo.Notebook)}); err != nil {
			return err
		}
		if err := s.page(p); err != nil {
			return err
		}
	}
	return s.playgroundList()
}

// still puts the picture of a playground at work into the site, and returns its address, "" if there is none, and size.
func (s *Site) still(name string) (address string, size template.HTMLAttr, err error) {
	picture, err := data.Files.ReadFile(name + ".png")
	if errors.Is(err, fs.ErrNotExist) {
		return "", "", nil
	}
	if err != nil {
		return "", "", fmt.Errorf("site: %w", err)
	}
	s.put("playground/"+name+".png", picture)
	return name + ".png", sizeOf(picture), nil
}

// playgroundList writes the page that leads to all playgrounds.
func (s *Site) playgroundList() error {
	body, err := fill("playgrounds.html", map[string]any{"Demos": playground.Demos()})
	if err != nil {
		return err
	}
	return s.page(Page{Title: "Playgrounds", Up: "../", At: "playground/index.html", Part: "playground", Body: body})
}

// program compiles the program of the playgrounds and returns it compressed.
func (s *Site) program(ctx context.Context) ([]byte, error) {
	dir, err := os.MkdirTemp("", "lateral-site")
	if err != nil {
		return nil, fmt.Errorf("site: %w", err)
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "program.wasm")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", file,
		"./kernelext/internal/playground/wasm")
	cmd.Dir = s.Module
	cmd.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm", "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("site: compiling the playgrounds: %w\n%s", err, out)
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("site: %w", err)
	}
	var packed bytes.Buffer
	z, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := z.Write(raw); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	if packed.Len() > MaxProgram {
		return nil, fmt.Errorf("site: the program of the playgrounds has %d bytes compressed, more than %d", packed.Len(),
			MaxProgram)
	}
	return packed.Bytes(), nil
}

// fill executes a template of the folder page.
func fill(name string, values any) (template.HTML, error) {
	t, err := template.New(name).Parse(pageFile(name))
	if err != nil {
		return "", fmt.Errorf("site: %w", err)
	}
	var b bytes.Buffer
	if err := t.Execute(&b, values); err != nil {
		return "", fmt.Errorf("site: %w", err)
	}
	return template.HTML(b.String()), nil
}
