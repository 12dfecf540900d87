// SPDX-License-Identifier: Apache-2.0

package render

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

// maxFaces limits the size of a mesh that is read.
const maxFaces = 1 << 22

// ReadOBJ reads a mesh from a Wavefront OBJ file: its points (v) and faces (f). A face of more than three corners is
// cut into triangles from its first corner. Normals, texture coordinates, groups, materials, lines and curves are
// skipped.
//
// name is the file's name for errors, which say in which line something is wrong and what: a number that cannot be
// read, NaN or infinite; a face with fewer than three corners or with a corner that is not a point so far; an unknown
// word; a file without faces, or whose faces have no extent.
func ReadOBJ(r io.Reader, name string) (*Mesh, error) {
	m, line := &Mesh{}, 0
	for s := bufio.NewScanner(r); ; {
		line++
		if !s.Scan() {
			if err := s.Err(); err != nil {
				return nil, fmt.Errorf("%s:%d: %w", name, line, err)
			}
			break
		}
		if err := m.read(s.Text()); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, line, err)
		}
	}
	if len(m.Faces) == 0 {
		return nil, fmt.Errorf("%s:%d: the file ends without a face (a line such as f 1 2 3)", name, line)
	}
	m.compact()
	if lo, hi := m.Bounds(); lo == hi {
		return nil, fmt.Errorf("%s: all corners of its %d faces are at one point", name, len(m.Faces))
	}
	return m, nil
}

// skipped are the words of an OBJ file that say nothing about points and faces.
var skipped = []string{
	"vn", "vt", "vp", "o", "g", "s", "mg", "usemtl", "mtllib", "usemap", "maplib", "l", "p", "lod", "bevel",
	"c_interp", "d_interp", "shadow_obj", "trace_obj", "cstype", "deg", "curv", "curv2", "surf", "parm", "trim", "hole",
	"scrv", "sp", "end", "con", "ctech", "stech", "bmat", "step",
}

// read reads a line.
func (m *Mesh) read(text string) error {
	text, _, _ = strings.Cut(text, "#")
	words := strings.Fields(text)
	switch {
	case len(words) == 0 || slices.Contains(skipped, words[0]):
		return nil
	case words[0] == "v":
		return m.readPoint(words[1:])
	case words[0] == "f":
		return m.readFace(words[1:])
	}
	return fmt.Errorf("unknown word %.20q: is this an OBJ file?", words[0])
}

func (m *Mesh) readPoint(words []string) error {
	if len(words) < 3 {
		return fmt.Errorf("a point with %d coordinates: want 3", len(words))
	}
	var p [3]float64
	for i := range p {
		v, err := strconv.ParseFloat(words[i], 64)
		if err != nil || math.IsNaN(v) || math.Abs(v) > 1e30 {
			return fmt.Errorf("coordinate %.20q: want a number of at most 1e30", words[i])
		}
		p[i] = v
	}
	m.Points = append(m.Points, Vec{p[0], p[1], p[2]})
	return nil
}

func (m *Mesh) readFace(words []string) error {
	if len(words) < 3 {
		return fmt.Errorf("a face with %d corners: want at least 3", len(words))
	}
	if len(m.Faces)+len(words) > maxFaces {
		return fmt.Errorf("more than %d faces", maxFaces)
	}
	var first, previous int32
	for i, w := range words {
		number, _, _ := strings.Cut(w, "/")
		n, err := strconv.Atoi(number)
		if err != nil {
			return fmt.Errorf("corner %.20q: want the number of a point, such as 3 or 3/1/2", w)
		}
		if n < 0 { // counted back from the last point
			n += len(m.Points) + 1
		}
		if n < 1 || n > len(m.Points) {
			return fmt.Errorf("corner %.20q: there are %d points so far, numbered from 1", w, len(m.Points))
		}
		p := int32(n - 1)
		if i == 0 {
			first = p
		} else if i > 1 {
			m.Faces = append(m.Faces, [3]int32{first, previous, p})
		}
		previous = p
	}
	return nil
}

// compact drops points that no face uses.
func (m *Mesh) compact() {
	to := make([]int32, len(m.Points))
	used := m.Points[:0]
	for _, f := range m.Faces {
		for _, p := range f {
			to[p] = 1
		}
	}
	for i, p := range m.Points {
		if to[i] != 0 {
			to[i] = int32(len(used))
			used = append(used, p)
		}
	}
	m.Points = used
	for i, f := range m.Faces {
		m.Faces[i] = [3]int32{to[f[0]], to[f[1]], to[f[2]]}
	}
}
