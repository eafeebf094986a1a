"""What moto does not know, answered in its place."""

from proxy import Answer

NOT_IN_MOTO = {
    "ec2:DescribeVpcBlockPublicAccessOptions": Answer(
        200,
        "text/xml",
        '<DescribeVpcBlockPublicAccessOptionsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">'
        "<requestId>0</requestId><vpcBlockPublicAccessOptions>"
        "<internetGatewayBlockMode>off</internetGatewayBlockMode><state>default-state</state>"
        "</vpcBlockPublicAccessOptions></DescribeVpcBlockPublicAccessOptionsResponse>",
    ),
    "ec2:DescribeSecurityGroupVpcAssociations": Answer(
        200,
        "text/xml",
        '<DescribeSecurityGroupVpcAssociationsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">'
        "<requestId>0</requestId><securityGroupVpcAssociationSet/></DescribeSecurityGroupVpcAssociationsResponse>",
    ),
    "ecr:DescribePullThroughCacheRules": Answer(200, "application/x-amz-json-1.1", '{"pullThroughCacheRules": []}'),
    "route53profiles:GET /profileassociations": Answer(200, "application/json", '{"ProfileAssociations": []}'),
}
"""Operations that moto does not know, answered as AWS answers where nothing is configured."""
