// SPDX-License-Identifier: Apache-2.0

package tensor

// ConvertElements treats the machine as one whose numbers are not stored as those of a file, which is right on all.
func ConvertElements() (restore func()) {
	was := littleEndian
	littleEndian = false
	return func() { littleEndian = was }
}
