// Package chromium gives each test a tab of Chromium. All tests of a package share
// one browser, because starting it takes most of the time of a short test.
package chromium
