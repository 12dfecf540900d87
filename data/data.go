// SPDX-License-Identifier: Apache-2.0

// Package data is the manifest of the data sets that the module can download: their files, check sums, mirrors and
// licences. It also lists the script of the interactive views, which is downloaded in the same way. Package lib/dataset
// loads the sets; `lateral data` lists, downloads and verifies them. Downloads go to the folder cache beside this file,
// which is not part of the source.
//
// It also holds the results of long trainings, with which sweeps of the same name begin: see [Results].
package data

import (
	"embed"
	"encoding/json"
	"fmt"
)

// A Set is a data set of the manifest.
type Set struct {
	ID          string   `json:"id"`   // name on the command line, and of the sub-folder of the files
	Name        string   `json:"name"` // name for people
	Description string   `json:"description"`
	Licence     string   `json:"licence"`
	Home        string   `json:"home"`    // address of its makers' description
	Mirrors     []string `json:"mirrors"` // folders with the compressed files, or with their archive, in the order to try
	Plain       bool     `json:"plain"`   // the mirrors hold the files uncompressed
	Archive     *Archive `json:"archive"` // the archive that holds the files; nil if they are separate
	Files       []File   `json:"files"`
	// Recipe says how to make the files of a set that nobody offers for download, as an order. Mirrors is then empty.
	Recipe string `json:"recipe"`
}

// An Archive is a compressed tar file that holds all files of a data set.
type Archive struct {
	Name   string `json:"name"`   // on the mirrors: "cifar-10-binary.tar.gz"
	Size   int64  `json:"size"`   // bytes, as it is downloaded
	SHA256 string `json:"sha256"` // of those bytes, hexadecimal
	Folder string `json:"folder"` // the folder of the files in the archive
}

// A File is a file of a data set.
type File struct {
	Name   string `json:"name"`        // canonical, uncompressed; mirrors hold Name + ".gz" unless Plain, or the archive
	Size   int64  `json:"size"`        // bytes, uncompressed
	SHA256 string `json:"sha256"`      // of the uncompressed bytes, hexadecimal; "" if only Gzip or only the size is known
	Gzip   string `json:"gzip_sha256"` // of the compressed file on the mirrors, for sets whose makers' sums are of these
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

//go:embed results
var results embed.FS

// Results returns the results of a named sweep that the module has, a line for each network as package sweep writes
// them, or nil if it has none. The file results/README.md says how they were made.
func Results(name string) []byte {
	b, err := results.ReadFile("results/" + name + ".jsonl")
	if err != nil {
		return nil
	}
	return b
}
