// SPDX-License-Identifier: Apache-2.0

package figure

import "github.com/lateral-ml/lateral/lib/internal/tables"

// A Table is rows of text under column names, with a caption. A column is right-aligned if all of its filled cells are
// numbers. Its methods HTML, Text and Markdown return it in the three forms that front ends ask for.
type Table = tables.Table
