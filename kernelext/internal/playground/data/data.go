// SPDX-License-Identifier: Apache-2.0

// Package data holds the files of the playgrounds: networks that command train made, digits, and a picture of each
// playground for readers without scripts. TestSite of the command lateral takes these pictures where
// LATERAL_SCREENSHOTS names a folder; here they have fewer colours.
package data

import "embed"

// Files are the files by name.
//
//go:embed *.safetensors *.gz *.png
var Files embed.FS
