package main

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/spf13/cobra"
)

func (a *app) trailStartCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "start NAME",
		Short: "Let a trail log",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.changeTrail(cmd.Context(), args[0], "start", "Trail %s logs.\n", func(c *cloudtrail.Client, arn *string) error {
				_, err := c.StartLogging(cmd.Context(), &cloudtrail.StartLoggingInput{Name: arn})
				return err
			})
		},
	}
}

func (a *app) trailStopCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "stop NAME",
		Short: "Let a trail log no more; what it took is still delivered",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.changeTrail(cmd.Context(), args[0], "stop", "Trail %s logs no more. What it took is still delivered, with a last digest.\n", func(c *cloudtrail.Client, arn *string) error {
				_, err := c.StopLogging(cmd.Context(), &cloudtrail.StopLoggingInput{Name: arn})
				return err
			})
		},
	}
}

func (a *app) trailDeleteCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "delete NAME",
		Short: "Delete a trail; its bucket and what is in it stay",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.changeTrail(cmd.Context(), args[0], "delete", "Trail %s is deleted. What it took is still delivered; its bucket stays, with everything in it.\n", func(c *cloudtrail.Client, arn *string) error {
				_, err := c.DeleteTrail(cmd.Context(), &cloudtrail.DeleteTrailInput{Name: arn})
				return err
			})
		},
	}
}

// changeTrail changes a trail through the AWS API.
func (a *app) changeTrail(ctx context.Context, name, verb, done string, change func(c *cloudtrail.Client, arn *string) error) error {
	client, arn, err := a.trailIn(ctx, name)
	if err != nil {
		return err
	}
	if err := change(client, &arn); err != nil {
		return a.awsError(fmt.Sprintf("%s trail %s", verb, name), err)
	}
	_, err = fmt.Fprintf(a.stdout, done, name)
	return err
}
