// SPDX-License-Identifier: Apache-2.0

// Package data is the manifest of the data sets that the module can download: their files, check sums, mirrors and
// licences; and of the script of the interactive views, which is downloaded the same way. The sets are loaded by
// lib/dataset; `lateral data` lists, downloads and verifies them. What is downloaded goes to the folder cache beside this
// file, which is not part of the source.
package data

import (
	_ "embed"
	"encoding/json"
	"fmt"
)

// A Set is a data set of the manifest.
type Set struct {
	ID          string   `json:"id"`   // name on the command line and of the sub-folder that holds the files
	Name        string   `json:"name"` // name for people
	Description string   `json:"description"`
	Licence     string   `json:"licence"`
	Home        string   `json:"home"`    // address of the description by its makers
	Mirrors     []string `json:"mirrors"` // folders that hold the files compressed, or their archive, in the order to try
	Plain       bool     `json:"plain"`   // the mirrors hold the files as they are
	Archive     *Archive `json:"archive"` // in which the files come; nil if they come one by one
	Files       []File   `json:"files"`
}

// An Archive is a compressed tar file that holds all files of a data set.
type Archive struct {
	Name   string `json:"name"`   // on the mirrors: "cifar-10-binary.tar.gz"
	Size   int64  `json:"size"`   // bytes, as it is downloaded
	SHA256 string `json:"sha256"` // of those bytes, hexadecimal
	Folder string `json:"folder"` // in which the files are
}

// A File is a file of a data set.
type File struct {
	Name   string `json:"name"`   // canonical name, uncompressed; mirrors hold Name + ".gz" unless Plain, or the archive
	Size   int64  `json:"size"`   // bytes, uncompressed
	SHA256 string `json:"sha256"` // of the uncompressed bytes, hexadecimal
}

// Size returns the bytes of all files of a set, uncompressed.
func (s Set) Size() int64 {
	var n int64
	for _, f := range s.Files {
		n += f.Size
	}
	return n
}

//go:embed manifest.json
var manifest []byte

// Sets returns the data sets in the order of the manifest. The caller owns the result.
func Sets() []Set {
	var sets []Set
	if err := json.Unmarshal(manifest, &sets); err != nil {
		panic(fmt.Sprintf("data: embedded manifest.json: %v", err))
	}
	return sets
}

// Lookup returns the data set of an ID.
func Lookup(id string) (Set, bool) {
	for _, s := range Sets() {
		if s.ID == id {
			return s, true
		}
	}
	return Set{}, false
}
