// SPDX-License-Identifier: Apache-2.0

package tensor

// ConvertElements makes the package convert the byte order of elements, which must work on all machines.
func ConvertElements() (restore func()) {
	was := littleEndian
	littleEndian = false
	return func() { littleEndian = was }
}
