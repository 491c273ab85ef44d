# A trail with all that it delivers to. The stages change it while it is there.

terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

variable "stage" {
  type = number
}

variable "topic" {
  type = bool
}

provider "aws" {
  region                  = "us-east-1"
  s3_use_path_style       = true
  skip_metadata_api_check = true
}

data "aws_caller_identity" "current" {}

locals {
  account = data.aws_caller_identity.current.account_id
  trail   = "arn:aws:cloudtrail:us-east-1:${local.account}:trail/terraform"
  topics  = var.topic ? 1 : 0
}

resource "aws_s3_bucket" "logs" {
  bucket        = "terraform-logs"
  force_destroy = true
}

resource "aws_s3_bucket_policy" "logs" {
  bucket = aws_s3_bucket.logs.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "AclCheck"
        Effect    = "Allow"
        Principal = { Service = "cloudtrail.amazonaws.com" }
        Action    = "s3:GetBucketAcl"
        Resource  = aws_s3_bucket.logs.arn
        Condition = { StringEquals = { "aws:SourceArn" = local.trail } }
      },
      {
        Sid       = "Write"
        Effect    = "Allow"
        Principal = { Service = "cloudtrail.amazonaws.com" }
        Action    = "s3:PutObject"
        Resource  = "${aws_s3_bucket.logs.arn}/audit/AWSLogs/${local.account}/*"
        Condition = { StringEquals = { "s3:x-amz-acl" = "bucket-owner-full-control", "aws:SourceArn" = local.trail } }
      },
    ]
  })
}

resource "aws_kms_key" "logs" {
  description             = "log files"
  deletion_window_in_days = 7
  enable_key_rotation     = true
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "Owner"
        Effect    = "Allow"
        Principal = { AWS = "arn:aws:iam::${local.account}:root" }
        Action    = "kms:*"
        Resource  = "*"
      },
      {
        Sid       = "Trail"
        Effect    = "Allow"
        Principal = { Service = "cloudtrail.amazonaws.com" }
        Action    = ["kms:GenerateDataKey*", "kms:DescribeKey"]
        Resource  = "*"
        Condition = { StringEquals = { "aws:SourceArn" = local.trail } }
      },
    ]
  })
}

resource "aws_sns_topic" "logs" {
  count = local.topics
  name  = "terraform-logs"
}

resource "aws_sns_topic_policy" "logs" {
  count = local.topics
  arn   = aws_sns_topic.logs[0].arn
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "Trail"
      Effect    = "Allow"
      Principal = { Service = "cloudtrail.amazonaws.com" }
      Action    = "SNS:Publish"
      Resource  = aws_sns_topic.logs[0].arn
      Condition = { StringEquals = { "aws:SourceArn" = local.trail } }
    }]
  })
}

resource "aws_cloudtrail" "logs" {
  name                       = "terraform"
  s3_bucket_name             = aws_s3_bucket.logs.id
  s3_key_prefix              = "audit"
  sns_topic_name             = var.topic ? aws_sns_topic.logs[0].name : null
  kms_key_id                 = var.stage == 3 ? null : aws_kms_key.logs.arn
  enable_log_file_validation = var.stage != 3
  is_multi_region_trail      = var.stage == 2
  enable_logging             = var.stage != 3
  tags                       = var.stage == 1 ? { team = "audit", old = "yes" } : { team = "audit", stage = tostring(var.stage) }

  dynamic "event_selector" {
    for_each = var.stage == 1 ? [1] : []
    content {
      read_write_type                  = "All"
      include_management_events        = true
      exclude_management_event_sources = ["kms.amazonaws.com"]
      data_resource {
        type   = "AWS::S3::Object"
        values = ["arn:aws:s3:::other-bucket/"]
      }
    }
  }

  dynamic "advanced_event_selector" {
    for_each = var.stage == 1 ? [] : [1]
    content {
      name = "Management"
      field_selector {
        field  = "eventCategory"
        equals = ["Management"]
      }
    }
  }

  dynamic "advanced_event_selector" {
    for_each = var.stage == 1 ? [] : [1]
    content {
      name = "Objects but the logs"
      field_selector {
        field  = "eventCategory"
        equals = ["Data"]
      }
      field_selector {
        field  = "resources.type"
        equals = ["AWS::S3::Object"]
      }
      field_selector {
        field           = "resources.ARN"
        not_starts_with = ["${aws_s3_bucket.logs.arn}/"]
      }
    }
  }

  dynamic "insight_selector" {
    for_each = var.stage == 1 ? ["ApiCallRateInsight"] : var.stage == 2 ? ["ApiCallRateInsight", "ApiErrorRateInsight"] : []
    content {
      insight_type = insight_selector.value
    }
  }

  depends_on = [aws_s3_bucket_policy.logs, aws_sns_topic_policy.logs]
}
