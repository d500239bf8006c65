// Package config is the project's own settings, saz.yaml.
package config
