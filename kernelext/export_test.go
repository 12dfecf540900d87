// SPDX-License-Identifier: Apache-2.0

package kernelext

// CaptionAndAlt returns what Show finds beside a picture.
func CaptionAndAlt(d Drawing) (caption, alt string) {
	return stringField(d, "Caption"), stringField(d, "Alt")
}
