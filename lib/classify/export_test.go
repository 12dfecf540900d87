// SPDX-License-Identifier: Apache-2.0

package classify

import (
	"path/filepath"

	"github.com/lateral-ml/lateral/lib/dataset/photos"
)

// Streamed returns photographs that were read at once as photographs that are read while they are used.
func Streamed(e *Examples) *Examples {
	s := *e
	s.set, s.folder = nil, &photos.Folder{Config: *e.config, Classes: e.Classes, Y: e.Y}
	for i := range e.Len() {
		path := e.place(i)
		s.folder.Root = filepath.Dir(filepath.Dir(path))
		s.folder.Files = append(s.folder.Files, filepath.Join(filepath.Base(filepath.Dir(path)), filepath.Base(path)))
	}
	return &s
}
