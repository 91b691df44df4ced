// A relying party on coreos/go-oidc and golang.org/x/oauth2, which most Go programs use.
//
//	main ISSUER CLIENT_ID CLIENT_SECRET REDIRECT_URI
//
// Writes the address to open, reads the one that the browser came back to, and writes what it learned as one JSON object.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	oidc "github.com/coreos/go-oidc"
	"golang.org/x/oauth2"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	ctx := context.Background()
	provider, err := oidc.NewProvider(ctx, args[0])
	if err != nil {
		return err
	}
	config := oauth2.Config{
		ClientID:     args[1],
		ClientSecret: args[2],
		RedirectURL:  args[3],
		Endpoint:     provider.Endpoint(),
		Scopes:       []string{oidc.ScopeOpenID, oidc.ScopeOfflineAccess, "email", "profile", "groups"},
	}
	fmt.Println(config.AuthCodeURL("a state", oidc.Nonce("a nonce")))
	line, err := bufio.NewReader(os.Stdin).ReadString('\n')
	if err != nil {
		return err
	}
	callback, err := url.Parse(strings.TrimSpace(line))
	if err != nil {
		return err
	}
	if callback.Query().Get("state") != "a state" {
		return fmt.Errorf("state %q", callback.Query().Get("state"))
	}
	first, err := config.Exchange(ctx, callback.Query().Get("code"))
	if err != nil {
		return err
	}
	login, err := verified(ctx, provider, config.ClientID, first)
	if err != nil {
		return fmt.Errorf("login: %w", err)
	}
	// An expired copy makes the library refresh.
	stale := &oauth2.Token{RefreshToken: first.RefreshToken, Expiry: time.Now().Add(-time.Hour)}
	second, err := config.TokenSource(ctx, stale).Token()
	if err != nil {
		return err
	}
	refreshed, err := verified(ctx, provider, config.ClientID, second)
	if err != nil {
		return fmt.Errorf("refresh: %w", err)
	}
	info, err := provider.UserInfo(ctx, oauth2.StaticTokenSource(second))
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(map[string]interface{}{
		"login":      login,
		"refreshed":  refreshed,
		"userinfo":   map[string]interface{}{"sub": info.Subject, "email": info.Email, "verified": info.EmailVerified},
		"hasRotated": first.RefreshToken != second.RefreshToken,
	})
}

// verified holds the claims of an ID token that is signed, for this client, and bound to its access token.
func verified(ctx context.Context, provider *oidc.Provider, client string, token *oauth2.Token) (map[string]interface{}, error) {
	raw, ok := token.Extra("id_token").(string)
	if !ok {
		return nil, fmt.Errorf("no id_token")
	}
	// Later versions of the library read the algorithms from discovery themselves.
	var metadata struct {
		Algorithms []string `json:"id_token_signing_alg_values_supported"`
	}
	if err := provider.Claims(&metadata); err != nil {
		return nil, err
	}
	config := &oidc.Config{ClientID: client, SupportedSigningAlgs: metadata.Algorithms}
	idToken, err := provider.Verifier(config).Verify(ctx, raw)
	if err != nil {
		return nil, err
	}
	if err := idToken.VerifyAccessToken(token.AccessToken); err != nil {
		return nil, err
	}
	if idToken.Nonce != "a nonce" {
		return nil, fmt.Errorf("nonce %q", idToken.Nonce)
	}
	claims := map[string]interface{}{}
	return claims, idToken.Claims(&claims)
}
